//! How long to wait before the next attempt, and when to give up.

use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::limits;

/// Exponential waiting with jitter between the attempts of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Wait after the first failure; doubles with each further one.
    pub wait_first: Duration,
    /// Longest wait.
    pub wait_max: Duration,
    /// Attempts before the message is given up.
    pub attempts_max: u32,
}

impl Default for RetryPolicy {
    /// 5 s doubling to 1 h, 16 attempts: about seven hours, a night's outage.
    fn default() -> Self {
        Self {
            wait_first: Duration::from_secs(5),
            wait_max: Duration::from_hours(1),
            attempts_max: 16,
        }
    }
}

impl RetryPolicy {
    /// The wait after failure number `attempts` (1 for the first) of `message`: between half and
    /// all of the exponential step. The jitter comes from a hash of both, so that couriers spread
    /// and a test can tell the outcome. A receiver that asked for `retry_after` gets at least
    /// that, up to [`limits::RETRY_AFTER_MAX`].
    pub fn wait(&self, message: &str, attempts: u32, retry_after: Option<Duration>) -> Duration {
        let doublings = attempts.saturating_sub(1).min(31);
        let step = self
            .wait_first
            .saturating_mul(1 << doublings)
            .min(self.wait_max);
        let hash = Sha256::new()
            .chain_update(message.as_bytes())
            .chain_update(attempts.to_be_bytes())
            .finalize();
        let jittered = step / 2 + step / 2 * u32::from(hash[0]) / 255;
        retry_after.map_or(jittered, |asked| {
            asked.min(limits::RETRY_AFTER_MAX).max(jittered)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_cap_and_spread() {
        let policy = RetryPolicy {
            wait_first: Duration::from_secs(4),
            wait_max: Duration::from_secs(20),
            attempts_max: 9,
        };
        for (attempts, step_seconds) in [(1, 4), (2, 8), (3, 16), (4, 20), (u32::MAX, 20)] {
            let wait = policy.wait("m", attempts, None);
            let step = Duration::from_secs(step_seconds);
            assert!((step / 2..=step).contains(&wait), "{attempts}: {wait:?}");
            assert_eq!(wait, policy.wait("m", attempts, None));
        }
        assert_ne!(policy.wait("m", 4, None), policy.wait("n", 4, None));
    }

    #[test]
    fn a_receiver_may_ask_for_more_but_not_for_ever() {
        let policy = RetryPolicy::default();
        let asked = |seconds| policy.wait("m", 1, Some(Duration::from_secs(seconds)));
        assert_eq!(asked(90), Duration::from_secs(90));
        assert!(Duration::from_secs(2) <= asked(0));
        assert_eq!(asked(u64::MAX), limits::RETRY_AFTER_MAX);
    }
}
