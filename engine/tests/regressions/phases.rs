//! What phases, controls and transient types once got wrong.

use super::*;

/// A part of a derive task that reads with `Now` what its main part owns would see values of two frames ago.
#[test]
fn now_beside_next_in_the_parts_of_a_task_is_refused() {
    fn own(mut q: Query<Next<Position>>, clock: Clock) {
        if clock.frame() < 3 {
            q.par_rows(|mut row| row.set(Position(row.prev().0 + 1.0)));
        }
    }
    fn peek(q: Query<Now<Position>>) {
        assert!(q.iter().all(|position| position.0.is_finite()));
    }
    for builder in [
        base(Engine::in_memory()).derive("own", own.prepare(peek)),
        base(Engine::in_memory()).derive("own", own.cleanup(peek)),
    ] {
        let refused = builder.build().map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains("own") && refused.contains("Position"), "{refused}");
    }
}

/// Filters do not make a read of this frame's values and their writer disjoint either.
#[test]
fn now_beside_next_behind_filters_is_refused() {
    fn own(mut mine: Query<Next<Position>, With<Tag>>, others: Query<Now<Position>, Without<Tag>>) {
        let sum: f64 = others.iter().map(|position| position.0).sum();
        mine.par_rows(|mut row| row.set(Position(sum)));
    }
    let builder = base(Engine::in_memory()).state::<Tag>("tag", 1).derive("own", own);
    let refused = builder.build().map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("own") && refused.contains("Position"), "{refused}");
}

/// Only `PREVIOUS` and `THIS_FRAME` are kinds of `Changes`: no other looks at what a wave is writing.
#[test]
fn changes_of_no_kind_are_refused_in_the_wave() {
    fn watch(changes: Changes<Position, 2>) {
        assert!(changes.is_empty());
    }
    let refused =
        base(Engine::in_memory()).system("watch", watch).build().map(|_| ()).unwrap_err().to_string();
    assert!(refused.contains("watch") && refused.contains("Position"), "{refused}");
}
