//! Hundreds of downloads over lines on which anything can go wrong, as chance has it. Whatever happens, a download ends
//! with the complete, verified model or with a reason, and nothing partial is ever a model.

use super::*;

/// How many downloads: each is a sequence of faults of its own.
const SEQUENCES: u64 = 200;

/// Random numbers that a failing seed repeats (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// An answer in which something is wrong, or nothing.
fn faulty(chance: &mut Chance, model: &Model, request: &Request) -> Reply {
    let right = model.hub(request);
    let name = request.path.rsplit("/abc123/").next().unwrap_or_default();
    let Some((_, content)) = model.files.iter().find(|(path, _)| *path == name) else {
        return right;
    };
    match chance.below(36) {
        0 => right.cut_after(chance.below(content.len())),
        1 => Reply::status(503),
        2 => Reply::status(429).with("Retry-After", "0"),
        3 => Reply::status(500).with("Retry-After", "later"),
        4 => Reply::whole(content).cut_after(chance.below(content.len())),
        5 => {
            let mut wrong = content.clone();
            let at = chance.below(wrong.len());
            wrong[at] ^= 1 << chance.below(8);
            Reply::ranged(request, &wrong)
        }
        6 => Reply::whole(&content[..chance.below(content.len())]),
        7 => Reply::whole(&[content, b"more".as_slice()].concat()).without("Content-Length"),
        8 => Reply::ranged(
            &Request {
                from: Some(chance.below(content.len())),
                ..request.clone()
            },
            content,
        ),
        9 => Reply::redirect(
            ["/owner/tiny/resolve/abc123/../../../x", "http://[", &request.path][chance.below(3)],
        ),
        10 => Reply::status([401, 403, 404, 410, 416][chance.below(5)]),
        11 => Reply::whole(b"<html>Please log in to this hotel's network</html>")
            .with("Content-Type", "text/html"),
        12 => Reply::status(206).with("Content-Range", "bytes nonsense"),
        13 => right
            .with("ETag", "\"x\"")
            .with("X-Xet-Hash", "0")
            .with("X-Linked-Size", "7"),
        _ => right,
    }
}

#[test]
fn two_hundred_sequences_of_faults_each_end_with_the_model_or_with_a_reason() {
    let (mut whole, mut reasons) = (0, 0);
    for seed in 0..SEQUENCES {
        let chance = std::sync::Mutex::new(Chance(seed));
        let world =
            World::with_hub(move |model, request| faulty(&mut chance.lock().unwrap(), model, request));
        // Like a user who tries again a few times.
        for _ in 0..3 {
            match world.fetch() {
                Ok(folder) => {
                    world.assert_complete(&folder);
                    whole += 1;
                    break;
                }
                Err(HubError::AllSourcesFailed { failures, .. }) => {
                    assert!(
                        failures
                            .iter()
                            .all(|failure| !failure.error.to_string().is_empty())
                    );
                    reasons += 1;
                    world.assert_absent();
                    assert!(!world.library.has(ID).unwrap(), "seed {seed}");
                }
                Err(other) => panic!("seed {seed}: {other:?}"),
            }
        }
    }
    // Neither outcome may be so rare that the test proves nothing.
    assert!(whole > 50 && reasons > 50, "{whole} whole, {reasons} reasons");
}
