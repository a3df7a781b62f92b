use proptest::prelude::*;

use super::*;

const OPERATIONS: u64 = 2_000_000;

/// Work of frames of 100 × 100 pixels, of which a share changes, four times as large.
fn work(frames: f64, changed: f64) -> Work {
    Work { computed: frames * changed * 1e4, encoded: frames * 16e4, ..Work::default() }
}

fn is_near(a: f64, b: f64, by: f64) -> bool {
    (a - b).abs() <= by * b.abs().max(1e-9)
}

/// A machine on which a frame takes this long for the network and for all else.
fn measured(of_network: f64, of_rest: f64, shares: &[f64]) -> Speed {
    let mut speed = Speed::usual(OPERATIONS);
    for &share in shares {
        speed.add(work(100.0, share), 100.0 * (of_network * share + of_rest));
    }
    speed
}

#[test]
fn nothing_is_said_before_something_is_known() {
    let mut speed = Speed::usual(OPERATIONS);
    assert_eq!(speed.seconds(work(10.0, 1.0)), None);
    for (work, seconds) in [
        (work(0.0, 1.0), 1.0),
        (work(1.0, 1.0), 0.0),
        (work(f64::NAN, 1.0), 1.0),
        (work(1.0, 1.0), f64::INFINITY),
    ] {
        speed.add(work, seconds);
        assert_eq!(speed, Speed::usual(OPERATIONS));
    }
    speed.add(work(10.0, 1.0), 5.0);
    assert!(is_near(speed.seconds(work(30.0, 1.0)).unwrap(), 15.0, 1e-9));
}

#[test]
fn the_network_and_all_else_are_told_apart_once_the_film_shows_both() {
    let speed = measured(0.2, 0.01, &[0.0, 1.0, 0.1, 0.9, 0.0, 1.0, 0.5]);
    let (still, moving) = (speed.seconds(work(1.0, 0.0)).unwrap(), speed.seconds(work(1.0, 1.0)).unwrap());
    assert!(is_near(moving, 0.21, 0.1) && still < 0.04, "{moving} {still}");
}

#[test]
fn what_one_job_taught_helps_the_next() {
    let before = measured(0.2, 0.01, &[0.0, 1.0, 0.1, 0.9, 0.0, 1.0, 0.5]);
    let mut next = before.of_next(OPERATIONS);
    assert!(is_near(next.seconds(work(1.0, 1.0)).unwrap(), 0.21, 0.1));
    // It begins with pictures that stand still, which tell little of the network.
    next.add(work(300.0, 0.0), 3.0);
    let seconds = next.seconds(work(1.0, 1.0)).unwrap();
    assert!(is_near(seconds, 0.21, 0.35), "{seconds}");
    // A network of twice the work takes twice as long.
    let heavy = before.of_next(2 * OPERATIONS).seconds(work(1.0, 1.0)).unwrap();
    assert!(is_near(heavy, 0.41, 0.1), "{heavy}");
    // Nothing follows from nothing.
    assert_eq!(Speed::usual(OPERATIONS).of_next(OPERATIONS), Speed::usual(OPERATIONS));
}

#[test]
fn the_recent_counts_more() {
    let mut speed = measured(0.2, 0.0, &[1.0; 20]);
    for _ in 0..15 {
        speed.add(work(100.0, 1.0), 40.0);
    }
    let seconds = speed.seconds(work(1.0, 1.0)).unwrap();
    assert!((0.33..=0.41).contains(&seconds), "{seconds}");
}

#[test]
fn reading_and_joining_have_speeds_of_their_own() {
    let mut speed = measured(0.2, 0.01, &[1.0; 3]);
    let (read, joined) = (Work { read: 1e6, ..Work::default() }, Work { joined: 1e6, ..Work::default() });
    assert!(speed.seconds(read).unwrap() > 0.0 && speed.seconds(joined).unwrap() > 0.0);
    speed.add_reading(read, 3.0);
    speed.add_join(joined, 5.0);
    for speed in [speed.of_next(OPERATIONS), speed] {
        assert!(
            is_near(speed.seconds(read).unwrap(), 3.0, 1e-9)
                && is_near(speed.seconds(joined).unwrap(), 5.0, 1e-9)
        );
    }
}

#[test]
fn it_is_kept_as_json() {
    let speed = measured(0.2, 0.01, &[0.3, 0.7]);
    let text = serde_json::to_string(&speed).unwrap();
    let kept: Speed = serde_json::from_str(&text).unwrap();
    assert!(is_near(kept.seconds(work(7.0, 0.4)).unwrap(), speed.seconds(work(7.0, 0.4)).unwrap(), 1e-9));
}

fn samples() -> impl Strategy<Value = Vec<(f64, f64, f64)>> {
    prop::collection::vec((0.0_f64..500.0, 0.0_f64..1.0, 0.0_f64..1000.0), 0..40)
}

proptest! {
    #[test]
    fn no_estimate_is_negative_or_no_number(samples in samples(), known in any::<bool>(), frames in 0.0_f64..1e8, share in 0.0_f64..1.0) {
        let mut speed = Speed::usual(OPERATIONS);
        if known {
            speed = measured(0.2, 0.01, &[0.1, 0.9]).of_next(OPERATIONS);
        }
        for (frames, share, seconds) in samples {
            speed.add(work(frames, share), seconds);
        }
        if let Some(seconds) = speed.seconds(work(frames, share)) {
            prop_assert!(seconds.is_finite() && seconds >= 0.0, "{seconds}");
        }
    }

    #[test]
    fn more_work_takes_no_less(samples in samples(), frames in 0.0_f64..1e6, more in 0.0_f64..1e6, share in 0.0_f64..0.5) {
        let mut speed = Speed::usual(OPERATIONS);
        for (frames, share, seconds) in samples {
            speed.add(work(frames, share), seconds);
        }
        let of = |frames, share| speed.seconds(work(frames, share)).unwrap_or(0.0);
        prop_assert!(of(frames, share) <= of(frames + more, share));
        prop_assert!(of(frames, share) <= of(frames, share + 0.5));
    }

    #[test]
    fn a_constant_speed_is_found(of_network in 1e-4_f64..10.0, of_rest in 1e-4_f64..10.0, share in 0.0_f64..1.0, count in 1_usize..30) {
        let speed = measured(of_network, of_rest, &vec![share; count]);
        let (seconds, truth) = (speed.seconds(work(1234.0, share)).unwrap(), 1234.0 * (of_network * share + of_rest));
        prop_assert!(is_near(seconds, truth, 1e-6), "{seconds} {truth}");
    }

    #[test]
    fn one_outlier_has_a_bounded_influence(seconds in 0.0_f64..1e9, frames in 1.0_f64..100.0) {
        let mut speed = measured(0.2, 0.01, &[1.0; 10]);
        let before = speed.seconds(work(1.0, 1.0)).unwrap();
        speed.add(work(frames, 1.0), seconds);
        let after = speed.seconds(work(1.0, 1.0)).unwrap();
        prop_assert!(after < before * 2.0 && after > before / 2.0, "{before} {after}");
    }
}
