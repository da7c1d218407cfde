//! Types that something names by their stored names, such as blueprints: the names must lead to them.
//!
//! Invariant: a name that leads nowhere is refused with all that are there. Left out: who spawns what; a type that is not
//! registered is refused there too, but not before somebody spawns it.

use super::Registrar;
use crate::buffer::State;
use crate::error::BuildError;
use core::any::{TypeId, type_name};

/// Registered names that a refusal lists.
const NAMES_LISTED_MAX: usize = 64;

/// A stored name, and the type to which it is said to lead.
pub(crate) struct Expected {
    by: String,
    name: String,
    type_id: TypeId,
    type_name: &'static str,
}

impl Registrar {
    /// Says that `by`, such as a blueprint, takes `T` to be stored under `name`. The build is refused where it is not, with
    /// what is registered.
    ///
    /// ```
    /// use diptych_engine::prelude::*;
    /// struct Wrong;
    /// impl Plugin for Wrong {
    ///     fn name(&self) -> &'static str {
    ///         "wrong"
    ///     }
    ///     fn build(self, registrar: &mut Registrar) -> Result<()> {
    ///         registrar.state::<u64>("world.age", 1).expects::<u64>("blueprint bullet", "world.edge");
    ///         Ok(())
    ///     }
    /// }
    /// let refused = Engine::in_memory().plugin(Wrong).build().err().map(|error| error.to_string());
    /// assert_eq!(
    ///     refused.as_deref(),
    ///     Some(
    ///         "blueprint bullet names the component \"world.edge\", which is not registered; \
    ///          registered are: diptych.control, world.age"
    ///     )
    /// );
    /// ```
    pub fn expects<T: State>(&mut self, by: &str, name: &str) -> &mut Self {
        self.expected.push(Expected {
            by: by.to_owned(),
            name: name.to_owned(),
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
        });
        self
    }

    /// Refuses names that do not lead to their types; types are in the order of their names.
    pub(crate) fn check_expected(&mut self, errors: &mut Vec<BuildError>) {
        let mut refused = Vec::new();
        for Expected { by, name, type_id, type_name } in self.expected.drain(..) {
            let found = self.types.iter().find(|spec| spec.name == name);
            let why = match found {
                Some(found) if found.type_id == type_id => continue,
                Some(found) => format!("takes it to be {type_name}, and it is {}", found.type_name),
                None => {
                    let names = self.types.iter().map(|spec| spec.name.as_str());
                    let mut listed: Vec<&str> = names.take(NAMES_LISTED_MAX).collect();
                    if self.types.len() > listed.len() {
                        listed.push("..");
                    }
                    format!("which is not registered; registered are: {}", listed.join(", "))
                }
            };
            refused.push(BuildError::UnknownComponent { by, name, why });
        }
        refused.sort();
        refused.dedup();
        errors.append(&mut refused);
    }
}
