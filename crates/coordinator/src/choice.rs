//! Which lane gets what: the jobs in their places, the urgent ones first, and what comes next made ready a little ahead.
//!
//! Nothing here reads a clock or a file: the choice follows from what is seen of the jobs.

use job::state::Phase;
use job::{JobId, Priority, Scheduler};

/// So many jobs of a priority are indexed ahead of those whose segments are made: enough that the engine never waits, and so few
/// that a long queue is not read through before its time.
pub(crate) const AHEAD: usize = 2;

/// What a lane is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Segments, which take an engine.
    Heavy,
    /// All else: what comes before the segments of a job and after them.
    Light,
}

/// What a job needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Its frame list.
    Index,
    /// Segments.
    Segments,
    /// To be joined, or published.
    Finish,
}

impl Need {
    /// What a job of this phase needs.
    pub(crate) const fn of(phase: Phase) -> Self {
        match phase {
            Phase::Index => Self::Index,
            Phase::Segments => Self::Segments,
            Phase::Join | Phase::Publish => Self::Finish,
        }
    }

    /// The kind of lane that does it.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Segments => Kind::Heavy,
            Self::Index | Self::Finish => Kind::Light,
        }
    }
}

/// What is seen of a job that may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JobView {
    pub(crate) id: JobId,
    pub(crate) priority: Priority,
    pub(crate) need: Need,
    /// There is a piece of work that no lane does.
    pub(crate) is_open: bool,
    /// Heavy lanes that work on it or hold a worker that may write into its folder.
    pub(crate) heavy: usize,
}

/// The job whose work a lane is to do next; `None` where there is none. `jobs` are in their places, and `turns` those of the kind.
///
/// A light lane ends what is made before it begins something new of the same priority.
pub(crate) fn choose(kind: Kind, jobs: &[JobView], scheduler: &mut Scheduler) -> Option<JobId> {
    let first = |priority| {
        let of_priority = || jobs.iter().filter(move |job| job.priority == priority);
        let open = |need| of_priority().filter(move |job| job.is_open && job.need == need);
        match kind {
            Kind::Heavy => open(Need::Segments).next(),
            Kind::Light => open(Need::Finish)
                .find(|job| job.heavy == 0)
                .or_else(|| open(Need::Index).next().filter(|job| ahead_of(job, of_priority()) < AHEAD)),
        }
        .map(|job| (priority, job.id))
    };
    let candidates: Vec<(Priority, JobId)> = Priority::ALL.into_iter().filter_map(first).collect();
    let next = scheduler.next(candidates.iter().map(|(priority, _)| *priority))?;
    candidates.into_iter().find_map(|(priority, id)| (priority == next).then_some(id))
}

/// Jobs before this one that are indexed and on whose segments no lane works yet.
fn ahead_of<'a>(job: &JobView, of_priority: impl Iterator<Item = &'a JobView>) -> usize {
    let before = of_priority.take_while(|other| other.id != job.id);
    before.filter(|other| other.need == Need::Segments && other.heavy == 0).count()
}

/// Threads of the engine for one of `lanes` heavy lanes, which are numbered from 1 on: all together have `threads`, and each has
/// one at least.
pub(crate) fn threads_of(number: u32, lanes: u32, threads: u32) -> u32 {
    let lanes = lanes.max(1);
    let more = u32::from(number <= threads % lanes);
    (threads / lanes + more).max(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NORMAL: Priority = Priority::Normal;

    /// An open job of normal priority on which no lane is at work.
    fn job(id: i64, need: Need) -> JobView {
        JobView { id: JobId(id), priority: NORMAL, need, is_open: true, heavy: 0 }
    }

    fn of(priority: Priority, job: JobView) -> JobView {
        JobView { priority, ..job }
    }

    /// A job whose segments are made, with some that no lane makes yet or with none.
    fn made(id: i64, is_open: bool) -> JobView {
        JobView { is_open, heavy: 1, ..job(id, Need::Segments) }
    }

    fn heavy(jobs: &[JobView]) -> Option<i64> {
        choose(Kind::Heavy, jobs, &mut Scheduler::default()).map(|id| id.0)
    }

    fn light(jobs: &[JobView]) -> Option<i64> {
        choose(Kind::Light, jobs, &mut Scheduler::default()).map(|id| id.0)
    }

    #[test]
    fn each_lane_gets_what_it_is_for_from_the_first_job_that_has_it() {
        let jobs =
            [job(1, Need::Index), job(2, Need::Segments), job(3, Need::Segments), job(4, Need::Finish)];
        assert_eq!((heavy(&jobs), light(&jobs)), (Some(2), Some(4)));
        assert_eq!((heavy(&jobs[..1]), light(&jobs[..1])), (None, Some(1)));
        assert_eq!((heavy(&jobs[1..3]), light(&jobs[1..3])), (Some(2), None));
        assert_eq!((heavy(&[]), light(&[])), (None, None));
    }

    #[test]
    fn what_is_made_is_joined_before_another_job_is_indexed() {
        assert_eq!(light(&[job(1, Need::Index), job(2, Need::Finish)]), Some(2));
        // But an urgent job is begun before another one is ended.
        let urgent = of(Priority::High, job(3, Need::Index));
        assert_eq!(light(&[job(1, Need::Finish), urgent]), Some(3));
    }

    #[test]
    fn a_job_is_joined_when_no_worker_of_its_segments_is_left() {
        let held = JobView { heavy: 1, ..job(1, Need::Finish) };
        assert_eq!(light(&[held, job(2, Need::Index)]), Some(2));
        assert_eq!(light(&[held]), None);
    }

    #[test]
    fn two_jobs_at_most_are_indexed_ahead_of_the_one_that_is_made() {
        let queue = |indexed: i64| -> Vec<JobView> {
            let ahead = (2..2 + indexed).map(|id| job(id, Need::Segments));
            let later = (2 + indexed..5000).map(|id| job(id, Need::Index));
            std::iter::once(made(1, true)).chain(ahead).chain(later).collect()
        };
        assert_eq!([0, 1, 2, 3].map(|indexed| light(&queue(indexed))), [Some(2), Some(3), None, None]);
        // The next one when the engine goes on to the second job, whatever becomes of the first.
        let mut jobs = queue(2);
        jobs[0] = made(1, false);
        jobs[1].heavy = 1;
        assert_eq!(light(&jobs), Some(4));
    }

    #[test]
    fn a_job_that_is_moved_to_the_front_is_indexed_whatever_is_ahead() {
        let jobs = [job(9, Need::Index), made(1, true), job(2, Need::Segments), job(3, Need::Segments)];
        assert_eq!(light(&jobs), Some(9));
    }

    #[test]
    fn each_priority_has_its_own_jobs_ahead() {
        let mut jobs =
            vec![made(1, true), job(2, Need::Segments), job(3, Need::Segments), job(4, Need::Index)];
        assert_eq!(light(&jobs), None);
        jobs.push(of(Priority::Low, job(5, Need::Index)));
        assert_eq!(light(&jobs), Some(5));
        jobs.push(of(Priority::High, job(6, Need::Index)));
        assert_eq!(light(&jobs), Some(6));
    }

    #[test]
    fn several_lanes_work_on_the_first_job_while_it_has_segments_for_them() {
        let mut jobs = [made(1, true), job(2, Need::Segments)];
        assert_eq!(heavy(&jobs), Some(1));
        jobs[0] = JobView { is_open: false, heavy: 2, ..jobs[0] };
        assert_eq!(heavy(&jobs), Some(2));
    }

    #[test]
    fn the_urgent_go_first_and_others_get_their_twentieth() {
        let jobs = [
            of(Priority::Low, job(1, Need::Segments)),
            job(2, Need::Segments),
            of(Priority::High, job(3, Need::Segments)),
        ];
        let mut scheduler = Scheduler::default();
        let given: Vec<i64> =
            (0..100).filter_map(|_| choose(Kind::Heavy, &jobs, &mut scheduler)).map(|id| id.0).collect();
        let count = |id: i64| given.iter().filter(|given| **given == id).count();
        assert_eq!(given[0], 3);
        assert!(count(3) > 80 && count(1) >= 5 && count(2) >= 5, "{given:?}");
    }

    #[test]
    fn paused_and_waiting_jobs_are_not_seen_and_hold_nothing_up() {
        // They are not in the list at all; one whose attempt has just failed is there, and not open.
        let pausing = JobView { is_open: false, ..job(1, Need::Segments) };
        assert_eq!(heavy(&[pausing, job(2, Need::Segments)]), Some(2));
        let pausing = JobView { is_open: false, ..job(1, Need::Index) };
        assert_eq!(light(&[pausing, job(2, Need::Index)]), Some(2));
    }

    #[test]
    fn threads_are_divided_and_each_lane_has_one() {
        let of = |lanes: u32, threads| -> Vec<u32> {
            (1..=lanes).map(|number| threads_of(number, lanes, threads)).collect()
        };
        assert_eq!((of(1, 8), of(2, 5), of(3, 2)), (vec![8], vec![3, 2], vec![1, 1, 1]));
    }

    fn any_job() -> impl Strategy<Value = (u8, u8, bool, usize)> {
        (0_u8..3, 0_u8..3, any::<bool>(), 0_usize..3)
    }

    proptest! {
        #[test]
        fn what_is_chosen_is_open_and_fits_the_lane(jobs in prop::collection::vec(any_job(), 0..12)) {
            let jobs: Vec<JobView> = (0..).zip(jobs).map(|(id, (priority, need, is_open, heavy))| JobView {
                id: JobId(id),
                priority: Priority::ALL[usize::from(priority)],
                need: [Need::Index, Need::Segments, Need::Finish][usize::from(need)],
                is_open,
                heavy,
            }).collect();
            for kind in [Kind::Heavy, Kind::Light] {
                let chosen = choose(kind, &jobs, &mut Scheduler::default());
                if let Some(chosen) = chosen {
                    let job = jobs.iter().find(|job| job.id == chosen).unwrap();
                    prop_assert!(job.is_open && job.need.kind() == kind);
                    prop_assert!(job.need != Need::Finish || job.heavy == 0);
                    // None of its kind and priority that is open comes before it.
                    let is_before = |other: &&JobView| {
                        other.id < job.id && other.is_open && other.priority == job.priority && other.need == job.need
                    };
                    prop_assert!(jobs.iter().filter(is_before).all(|other| other.need == Need::Finish && other.heavy > 0));
                }
                // No engine idles while a segment can be made.
                let is_any = jobs.iter().any(|job| job.is_open && job.need == Need::Segments);
                prop_assert!(kind == Kind::Light || chosen.is_some() == is_any);
            }
        }
    }
}
