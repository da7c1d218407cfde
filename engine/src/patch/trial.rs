//! Patches tried without changing anything: who lives, what they hold, what the bytes are.
//!
//! Invariant: what passes here is carried out; the order of the patches counts, as if each were done already.

use super::Patch;
use crate::editor::Editor;
use crate::id::Id;
use crate::registry::Registry;
use crate::structure::Target;
use std::collections::{BTreeMap, BTreeSet};

/// The types that the patches so far have left each entity, by index of the column; none where it is gone.
type Held = BTreeMap<Id, Option<BTreeSet<usize>>>;

pub(super) fn check(editor: &Editor<'_>, patches: &[Patch]) -> Result<(), String> {
    let mut held = Held::new();
    for (number, patch) in patches.iter().enumerate() {
        one(editor, patch, &mut held).map_err(|reason| {
            let component = patch.component().map_or_else(String::new, |name| format!(" {name} of"));
            format!(
                "patch {number} ({}{component} {}): {reason}; none of the {} was carried out",
                patch.verb(),
                patch.id(),
                patches.len()
            )
        })?;
    }
    Ok(())
}

fn one(editor: &Editor<'_>, patch: &Patch, held: &mut Held) -> Result<(), String> {
    let id = patch.id();
    let entity = editor.find(Target::Id(id)).ok_or("there is no such entity")?;
    let types = held.entry(id).or_insert_with(|| {
        editor.doomed_row(entity).map(|row| {
            editor.tables.list[row.table as usize].columns.iter().map(|index| usize::from(*index)).collect()
        })
    });
    let Some(types) = types else { return Err("an earlier patch has ended the entity".to_owned()) };
    let Some(name) = patch.component() else { return destroy(editor, id, held) };
    let Some(index) = editor.columns.iter().position(|column| column.name() == name) else {
        return Err("no type of that name is registered".to_owned());
    };
    if name.starts_with("diptych.") {
        return Err("that type is the engine's own".to_owned());
    }
    let column = &editor.columns[index];
    let registry = editor.world.resource::<Registry>();
    if let Some(reserved) = registry.reserved.get(&column.state_type()) {
        return Err(format!("that type is reserved to {}; {}", reserved.owner, reserved.instead));
    }
    let value = match patch {
        Patch::Set { value, .. } if types.contains(&index) => Some(value),
        Patch::Add { value, .. } if !types.contains(&index) => {
            types.insert(index);
            value.as_ref()
        }
        Patch::Remove { .. } if types.contains(&index) => {
            types.remove(&index);
            None
        }
        Patch::Add { .. } => return Err("the entity holds it already; set it".to_owned()),
        _ => return Err("the entity does not hold it".to_owned()),
    };
    value.map_or(Ok(()), |bytes| column.check(bytes).map_err(|error| error.to_string()))
}

fn destroy(editor: &Editor<'_>, id: Id, held: &mut Held) -> Result<(), String> {
    let (mut seen, mut doomed) = (BTreeSet::new(), Vec::new());
    editor.doom(Target::Id(id), &mut seen, &mut doomed);
    editor.check_doomed(&doomed).map_err(|error| error.to_string())?;
    doomed.iter().for_each(|gone| drop(held.insert(gone.id, None)));
    Ok(())
}
