// Command independent checks a ledger with nothing of this house: the Go standard library and
// golang.org/x/mod/sumdb, which the Go project wrote for its own transparency log.
//
// It reads what a running Belfry publishes over HTTP, or a folder of the same files, and checks the signature
// of the checkpoint, every entry against its tile, every tile against the signed root, inclusion
// proofs, consistency proofs and cosignatures. Exit code 0: all holds; 1: something does not.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run main.go -vkey KEY -url http://127.0.0.1:8428
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	// maxBytes bounds one file or answer: a bundle of 256 entries of the longest kind.
	maxBytes = tileWidth * (2 + 65535)
	// proofs is how many inclusion and consistency proofs are made, spread over the log.
	proofs = 200
)

// A log gives the bytes at a path of tlog-tiles.
type log func(path string) ([]byte, error)

func folder(dir string) log {
	return func(path string) ([]byte, error) {
		file, err := os.Open(filepath.Join(dir, filepath.FromSlash(path)))
		if err != nil {
			return nil, err
		}
		defer file.Close()
		return limited(file)
	}
}

func served(url string) log {
	client := &http.Client{Timeout: time.Minute}
	return func(path string) ([]byte, error) {
		answer, err := client.Get(strings.TrimSuffix(url, "/") + "/" + path)
		if err != nil {
			return nil, err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("%s: %s", path, answer.Status)
		}
		want := "application/octet-stream"
		if path == "checkpoint" {
			want = "text/plain; charset=utf-8"
		}
		if kind := answer.Header.Get("Content-Type"); kind != want {
			return nil, fmt.Errorf("%s: content type %q instead of %q", path, kind, want)
		}
		return limited(answer.Body)
	}
}

func limited(from io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(from, maxBytes+1))
	if err == nil && len(data) > maxBytes {
		err = errors.New("more bytes than any resource has")
	}
	return data, err
}

// name writes an index as tlog-tiles does: x001/x234/067, with .p/W for a partial one.
func name(index int64, width int) string {
	text := fmt.Sprintf("%03d", index%1000)
	for index >= 1000 {
		index /= 1000
		text = fmt.Sprintf("x%03d/%s", index%1000, text)
	}
	if width < tileWidth {
		text += fmt.Sprintf(".p/%d", width)
	}
	return text
}

// tiles lets x/mod read the tiles of a log; it checks them against the root itself.
type tiles struct{ from log }

func (tiles) Height() int { return tileHeight }

func (t tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range wanted {
		data, err := t.from(fmt.Sprintf("tile/%d/%s", tile.L, name(tile.N, tile.W)))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("tile %d of level %d has %d bytes", tile.N, tile.L, len(data))
		}
		all = append(all, data)
	}
	return all, nil
}

func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}

// cosigner checks lines of c2sp.org/tlog-cosignature, type 0x04, as a note verifier.
type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func newCosigner(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("a witness key has three parts")
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != 4 {
		return nil, errors.New("a witness key holds the byte 4 and 32 bytes")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
	id := binary.BigEndian.Uint32(sum[:4])
	if fmt.Sprintf("%08x", id) != parts[1] {
		return nil, errors.New("the id of a witness key does not belong to it")
	}
	return cosigner{parts[0], id, ed25519.PublicKey(key[1:])}, nil
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.id }

func (c cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	at := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", at, text)
	return ed25519.Verify(c.key, []byte(message), signature[8:])
}

// checkpoint reads and checks the newest checkpoint.
func checkpoint(from log, verifier note.Verifier, witnesses []note.Verifier) (tlog.Tree, error) {
	none := tlog.Tree{}
	text, err := from("checkpoint")
	if err != nil {
		return none, err
	}
	known := note.VerifierList(append(witnesses, verifier)...)
	opened, err := note.Open(text, known)
	if err != nil {
		return none, err
	}
	if len(opened.Sigs) != len(witnesses)+1 {
		return none, fmt.Errorf("%d of %d keys signed", len(opened.Sigs), len(witnesses)+1)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return none, errors.New("the checkpoint is not origin, size and root of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return none, errors.New("the size is not a plain number")
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

// leaves reads all entries and hashes them.
func leaves(from log, size int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for bundle := int64(0); int64(len(hashes)) < size; bundle++ {
		width := tileWidth
		if rest := size - int64(len(hashes)); rest < tileWidth {
			width = int(rest)
		}
		data, err := from("tile/entries/" + name(bundle, width))
		if err != nil {
			return nil, err
		}
		for entry := 0; entry < width; entry++ {
			if len(data) < 2 {
				return nil, fmt.Errorf("bundle %d ends before entry %d", bundle, entry)
			}
			length := int(binary.BigEndian.Uint16(data))
			if data = data[2:]; len(data) < length {
				return nil, fmt.Errorf("bundle %d ends inside entry %d", bundle, entry)
			}
			hashes = append(hashes, tlog.RecordHash(data[:length]))
			data = data[length:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("bundle %d has %d bytes too many", bundle, len(data))
		}
	}
	return hashes, nil
}

// root computes the root of leaves by the definition of RFC 6962, section 2.1.
func root(of []tlog.Hash) tlog.Hash {
	switch len(of) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return of[0]
	}
	split := 1
	for 2*split < len(of) {
		split *= 2
	}
	return tlog.NodeHash(root(of[:split]), root(of[split:]))
}

// entries checks every entry against its tile, and the tiles against the root.
func entries(tree tlog.Tree, hashes []tlog.Hash, reader tlog.HashReader) error {
	for start := 0; start < len(hashes); start += tileWidth {
		end := start + tileWidth
		if end > len(hashes) {
			end = len(hashes)
		}
		var wanted []int64
		for index := start; index < end; index++ {
			wanted = append(wanted, tlog.StoredHashIndex(0, int64(index)))
		}
		stored, err := reader.ReadHashes(wanted)
		if err != nil {
			return err
		}
		for at, hash := range stored {
			if hash != hashes[start+at] {
				return fmt.Errorf("entry %d is not the one in its tile", start+at)
			}
		}
	}
	if computed := root(hashes); computed != tree.Hash {
		return fmt.Errorf("the entries lead to root %v, signed is %v", computed, tree.Hash)
	}
	return nil
}

// proven makes and checks inclusion and consistency proofs, spread over the log.
func proven(tree tlog.Tree, hashes []tlog.Hash, reader tlog.HashReader) error {
	step := tree.N/proofs + 1
	for index := int64(0); index < tree.N; index += step {
		proof, err := tlog.ProveRecord(tree.N, index, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, hashes[index]); err != nil {
			return fmt.Errorf("inclusion of %d: %v", index, err)
		}
		old := index + 1
		grown, err := tlog.ProveTree(tree.N, old, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(grown, tree.N, tree.Hash, old, root(hashes[:old])); err != nil {
			return fmt.Errorf("consistency with %d: %v", old, err)
		}
	}
	return nil
}

func check(from log, vkey string, witnessKeys []string) (int64, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return 0, err
	}
	var witnesses []note.Verifier
	for _, key := range witnessKeys {
		witness, err := newCosigner(key)
		if err != nil {
			return 0, err
		}
		witnesses = append(witnesses, witness)
	}
	tree, err := checkpoint(from, verifier, witnesses)
	if err != nil {
		return 0, err
	}
	hashes, err := leaves(from, tree.N)
	if err != nil {
		return 0, err
	}
	reader := tlog.TileHashReader(tree, tiles{from})
	if err := entries(tree, hashes, reader); err != nil {
		return 0, err
	}
	return tree.N, proven(tree, hashes, reader)
}

func main() {
	vkey := flag.String("vkey", "", "verifier key of the log")
	witness := flag.String("witness", "", "witness keys that must have cosigned, with commas between")
	dir := flag.String("dir", "", "folder of published files")
	url := flag.String("url", "", "address that publishes the ledger")
	flag.Parse()
	from := folder(*dir)
	if *url != "" {
		from = served(*url)
	}
	var witnesses []string
	if *witness != "" {
		witnesses = strings.Split(*witness, ",")
	}
	size, err := check(from, *vkey, witnesses)
	if err != nil {
		fmt.Fprintln(os.Stderr, "does not hold:", err)
		os.Exit(1)
	}
	fmt.Printf("holds: %d entries\n", size)
}
