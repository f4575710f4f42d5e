//! Fingerprints of keys as words, for people who compare two screens or talk on the telephone.
//!
//! Eight words are the first 64 bits of `SHA-256("belfry/fingerprint/v1" || 0x00 || text)`, one
//! word a byte: enough that nobody finds a second key with the same words, short enough to read
//! out.

use sha2::{Digest, Sha256};

const CONTEXT: &[u8] = b"belfry/fingerprint/v1\0";
const WORDS_SHOWN: usize = 8;

/// The words of a verifier key, with dashes between them.
pub fn fingerprint_words(text: &str) -> String {
    let digest = Sha256::new()
        .chain_update(CONTEXT)
        .chain_update(text.trim())
        .finalize();
    let words: Vec<&str> = digest[..WORDS_SHOWN]
        .iter()
        .map(|byte| WORDS[usize::from(*byte)])
        .collect();
    words.join("-")
}

/// One word for each byte: short, common, and told apart by ear.
const WORDS: [&str; 256] = [
    "acid", "actor", "adult", "agent", "album", "alpha", "amber", "anchor", "angle", "ankle",
    "apple", "apron", "arena", "armor", "arrow", "atlas", "attic", "autumn", "award", "bacon",
    "badge", "bagel", "bakery", "bamboo", "banjo", "barrel", "basin", "basket", "beacon", "beaver",
    "beetle", "bench", "berry", "bishop", "blanket", "blossom", "bonus", "bottle", "bracket",
    "branch", "brick", "bridge", "bronze", "bucket", "buffalo", "bugle", "butter", "button",
    "cabin", "cactus", "camel", "candle", "canyon", "carbon", "cargo", "carpet", "castle", "cedar",
    "cellar", "cement", "census", "chalk", "cheese", "cherry", "chimney", "cider", "circus",
    "citrus", "clay", "clover", "cobalt", "cobra", "coffee", "comet", "compass", "copper", "coral",
    "cotton", "cousin", "crater", "cricket", "crystal", "cubic", "dagger", "daisy", "dancer",
    "decade", "desert", "diary", "dinner", "doctor", "dolphin", "domino", "donkey", "dragon",
    "drum", "eagle", "easel", "echo", "eclipse", "elbow", "elder", "ember", "empire", "engine",
    "envoy", "estate", "fable", "falcon", "feather", "fennel", "ferry", "fiddle", "filter",
    "finger", "flannel", "flute", "forest", "fossil", "fountain", "fox", "gallon", "garden",
    "garlic", "gazelle", "ginger", "glacier", "goblet", "granite", "gravel", "guitar", "gypsum",
    "hammer", "harbor", "harvest", "hazel", "helmet", "hermit", "hockey", "honey", "hotel",
    "husky", "icicle", "igloo", "index", "indigo", "insect", "island", "ivory", "jacket", "jaguar",
    "jasmine", "jelly", "jigsaw", "jungle", "kayak", "kernel", "kettle", "kidney", "kitten",
    "ladder", "lagoon", "lantern", "laser", "lemon", "lentil", "leopard", "linen", "lizard",
    "lobster", "locket", "lotus", "lumber", "magnet", "mango", "maple", "marble", "meadow",
    "melon", "mentor", "meteor", "mitten", "mosaic", "muffin", "mustard", "napkin", "nectar",
    "needle", "nickel", "noodle", "nutmeg", "oasis", "ocean", "olive", "onion", "opera", "orbit",
    "orchid", "otter", "oxygen", "oyster", "paddle", "panther", "paper", "parrot", "pebble",
    "pelican", "pepper", "piano", "pigeon", "pilot", "pirate", "planet", "plaza", "pocket",
    "polar", "poppy", "prairie", "prism", "puzzle", "quartz", "quiver", "rabbit", "radar", "raven",
    "ribbon", "river", "rocket", "saddle", "saffron", "salmon", "sandal", "saturn", "scarf",
    "shovel", "silver", "spider", "stable", "summit", "sunset", "tablet", "teapot", "temple",
    "thunder", "tiger", "tomato", "trumpet", "tulip", "tunnel", "turtle", "valley", "velvet",
    "violin", "walnut", "willow", "zebra",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinct_and_stable() {
        let mut words = WORDS.to_vec();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 256);
        let words = fingerprint_words("log.example+00000000+key");
        assert_eq!(words.split('-').count(), WORDS_SHOWN);
        assert_eq!(words, fingerprint_words("log.example+00000000+key\n"));
        assert_ne!(words, fingerprint_words("log.example+00000000+kez"));
    }
}
