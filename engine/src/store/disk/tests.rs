//! Keyspaces are used again, also while somebody always looks back.

use super::*;

/// Claim: while somebody always looks at the epochs, however long, an epoch is still emptied and used again once those
/// looks have ended that may hold it, and none before: a hundred epochs are a handful of keyspaces.
#[test]
fn epochs_are_used_again_while_somebody_always_looks() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let mut disk = Disk::open(dir.path())?;
    let mut looks = std::collections::VecDeque::new();
    let mut current = disk.next_epoch(0)?;
    for round in 0..100_u64 {
        disk.write(&[(disk.writing(), &[1; 13], &round.to_le_bytes())])?;
        // Each look ends three rounds later, so there is always one; it reads what it was given to the last.
        looks.push_back((disk.lend(), disk.epochs.clone(), round));
        if looks.len() > 3 {
            let (_lent, epochs, then) = looks.pop_front().ok_or("more than three")?;
            let value = epochs.last().ok_or("an epoch")?.1.get([1; 13])?;
            assert_eq!(value.as_deref(), Some(&then.to_le_bytes()[..]), "round {round}");
        }
        let next = disk.next_epoch(0)?;
        assert_eq!(next, current + 1);
        current = next;
        disk.retire_before(current);
        assert!(disk.tell_retired()?, "an epoch went");
        disk.sync()?;
        disk.clear_out()?;
    }
    assert!(disk.is_lent());
    let mut made = 0;
    for entry in std::fs::read_dir(dir.path().join("keyspaces"))? {
        let name = entry?.file_name();
        made = made.max(name.to_str().and_then(|name| name.parse::<u64>().ok()).ok_or("a number")?);
    }
    assert!(made < 12, "{made} keyspaces were made for 100 epochs");
    looks.clear();
    assert!(!disk.is_lent() && disk.is_untidy());
    disk.clear_out()?;
    assert!(!disk.is_untidy());
    Ok(())
}

/// Claim: no more keyspaces wait for a look to end than may; the others are deleted, and stay readable for it.
#[test]
fn not_many_keyspaces_wait_for_a_look() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let mut disk = Disk::open(dir.path())?;
    disk.next_epoch(0)?;
    let mut looks = Vec::new();
    for round in 0..30_u64 {
        disk.write(&[(disk.writing(), &[1; 13], &round.to_le_bytes())])?;
        looks.push((disk.lend(), disk.epochs.clone()));
        let next = disk.next_epoch(0)?;
        disk.retire_before(next);
        disk.tell_retired()?;
        disk.sync()?;
        disk.clear_out()?;
        assert!(disk.retired.names().count() <= retired::WAITING_MAX);
    }
    assert_eq!(disk.retired.names().count(), retired::WAITING_MAX);
    for (round, (_lent, epochs)) in (0_u64..).zip(&looks) {
        let value = epochs.last().ok_or("an epoch")?.1.get([1; 13])?;
        assert_eq!(value.as_deref(), Some(&round.to_le_bytes()[..]));
    }
    Ok(())
}
