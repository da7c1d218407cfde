//! From types to layouts: sizes first, then fields.
//!
//! Invariant: nothing is laid out before its size, the number of its scalars and its depth are known to be within the
//! limits, for each layout and for all together, and each named type is measured once: what a text asks for costs what
//! the text has, and the limits.

use super::text::{read_text, read_types};
use super::value::column;
use super::{
    Field, LAYOUT_BYTES_MAX, LAYOUT_DEPTH_MAX, LAYOUT_FIELDS_MAX, LAYOUT_NAME_BYTES_MAX,
    LAYOUT_TEXT_BYTES_MAX, LAYOUTS_FIELDS_MAX, LAYOUTS_MAX, LAYOUTS_PATH_BYTES_MAX, Layout, LayoutError,
    Member, ScalarKind, Shape,
};
use crate::slp::View;
use std::collections::{BTreeMap, BTreeSet};

/// Layouts by name.
///
/// # Examples
/// ```
/// use diptych_components::layout::{Layouts, Scalar};
/// let layouts = Layouts::parse("
///     position: {x: f32 y: f32}                  ; other layouts may use it
///     particle: {at: position trail: [position 8] alive: bool}
/// ")?;
/// let position = layouts.get("position")?;
/// assert_eq!((position.size(), position.align()), (8, 4));
/// let bytes = position.pack([("x", Scalar::from(1.5))])?;
/// assert_eq!(position.read(&bytes, "x")?, Scalar::Real(1.5));
/// assert_eq!(position.read(&bytes, "y")?, Scalar::Real(0.0));
/// let columns = layouts.get("particle")?.columns();
/// assert!(columns.map(|(name, _)| name).any(|name| name == "trail_7_y"));
/// # Ok::<(), diptych_components::layout::LayoutError>(())
/// ```
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Layouts {
    layouts: BTreeMap<String, Layout>,
    text: String,
}

/// What is known of a type before it is laid out.
#[derive(Clone, Copy)]
struct Measure {
    size: u32,
    align: u32,
    fields: u32,
    /// Of the paths of all its scalars, at most; a field's name counts for each scalar in it.
    path_bytes: u64,
    depth: u32,
}

impl Layouts {
    /// The layouts of a text, a list of `name: type`; `;` begins a comment.
    ///
    /// # Errors
    /// When it is no such list, or one of the types cannot be laid out.
    pub fn parse(text: &str) -> Result<Self, LayoutError> {
        if text.len() > LAYOUT_TEXT_BYTES_MAX {
            return Err(too_long(text.len()));
        }
        Self::compile(read_text(text)?)
    }

    /// The layouts of a list of `name: type`, as an object.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn from_object(list: View<'_>) -> Result<Self, LayoutError> {
        Self::compile(read_types(list)?)
    }

    /// Lays types out, which may name each other.
    ///
    /// # Errors
    /// When one of them cannot be; names the path.
    pub fn compile(types: impl IntoIterator<Item = (String, Shape)>) -> Result<Self, LayoutError> {
        let mut shapes = BTreeMap::new();
        for (name, shape) in types {
            check_name(&name, &name)?;
            if ScalarKind::from_name(&name).is_some() || shapes.insert(name.clone(), shape).is_some() {
                return Err(LayoutError::Duplicate { path: name });
            }
        }
        if shapes.len() > LAYOUTS_MAX {
            return Err(LayoutError::Many(shapes.len()));
        }
        let text: String = shapes.iter().map(|(name, shape)| format!("{name}: {shape}\n")).collect();
        if text.len() > LAYOUT_TEXT_BYTES_MAX {
            return Err(too_long(text.len()));
        }
        let mut compiler = Compiler { shapes: &shapes, measures: BTreeMap::new(), open: Vec::new() };
        compiler.measure_all()?;
        let layouts = shapes.keys().map(|name| Ok((name.clone(), compiler.layout(name)?)));
        Ok(Self { layouts: layouts.collect::<Result<_, LayoutError>>()?, text })
    }

    /// The layout of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn get(&self, name: &str) -> Result<&Layout, LayoutError> {
        self.layouts.get(name).ok_or_else(|| LayoutError::NoLayout(name.to_owned()))
    }

    /// The types they were made from, by name, as text that [`parse`](Self::parse) reads.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// All of them by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Layout> {
        self.layouts.values()
    }
}

struct Compiler<'a> {
    shapes: &'a BTreeMap<String, Shape>,
    measures: BTreeMap<&'a str, Measure>,
    /// The named types that are being measured, each a part of the one before.
    open: Vec<&'a str>,
}

impl<'a> Compiler<'a> {
    /// Measures all types, and what they will take together.
    fn measure_all(&mut self) -> Result<(), LayoutError> {
        let (shapes, mut fields, mut path_bytes) = (self.shapes, 0_u64, 0_u64);
        for name in shapes.keys() {
            let measure = self.measure_named(name, name)?;
            // A layout has far fewer than 2^32 of either, and there are at most as many as the text has bytes.
            fields += u64::from(measure.fields);
            path_bytes += measure.path_bytes;
            if fields > LAYOUTS_FIELDS_MAX || path_bytes > LAYOUTS_PATH_BYTES_MAX {
                return Err(LayoutError::Together { name: name.clone(), fields, path_bytes });
            }
        }
        Ok(())
    }

    fn layout(&mut self, name: &'a str) -> Result<Layout, LayoutError> {
        let shapes = self.shapes;
        let Measure { size, align, .. } = self.measure_named(name, name)?;
        let mut layout =
            Layout { name: name.to_owned(), size, align, fields: Vec::new(), places: BTreeMap::new() };
        self.place(&shapes[name], 0, "", &mut layout);
        let mut columns: BTreeMap<String, &str> = BTreeMap::new();
        for field in &layout.fields {
            let column = column(&field.path);
            if let Some(other) = columns.insert(column.clone(), &field.path) {
                let whole = |path: &str| format!("{name}.{path}");
                return Err(LayoutError::Column { path: whole(&field.path), other: whole(other), column });
            }
        }
        layout.places =
            layout.fields.iter().zip(0..).map(|(field, place)| (field.path.clone(), place)).collect();
        Ok(layout)
    }

    fn measure_named(&mut self, name: &'a str, path: &str) -> Result<Measure, LayoutError> {
        if let Some(measure) = self.measures.get(name) {
            return Ok(*measure);
        }
        let shapes = self.shapes;
        let shape = shapes
            .get(name)
            .ok_or_else(|| LayoutError::Type { path: path.to_owned(), name: name.to_owned() })?;
        if let Some(start) = self.open.iter().position(|open| *open == name) {
            let circle = self.open[start..].iter().chain([&name]);
            return Err(LayoutError::Cycle(circle.map(|name| (*name).to_owned()).collect()));
        }
        self.open.push(name);
        let measure = self.measure(shape, name, self.open.len() as u32)?;
        self.open.pop();
        self.measures.insert(name, measure);
        Ok(measure)
    }

    /// `depth` bounds how deep this calls itself; that of named types that were measured before is added up.
    fn measure(&mut self, shape: &'a Shape, path: &str, depth: u32) -> Result<Measure, LayoutError> {
        if depth > LAYOUT_DEPTH_MAX {
            return Err(LayoutError::Depth { path: path.to_owned() });
        }
        let measure = match shape {
            Shape::Scalar(kind) => {
                Measure { size: kind.size(), align: kind.size(), fields: 1, path_bytes: 0, depth: 0 }
            }
            Shape::Named(name) => self.measure_named(name, path)?,
            Shape::Array(_, 0) => return Err(LayoutError::Empty { path: path.to_owned() }),
            Shape::Array(element, length) => {
                let element = self.measure(element, &format!("{path}[]"), depth + 1)?;
                let bytes = u64::from(element.size) * u64::from(*length);
                let fields = u64::from(element.fields) * u64::from(*length);
                let (size, fields) = within_limits(path, bytes, fields)?;
                // `[999]`
                let index = u64::from(length.ilog10()) + 3;
                let path_bytes = u64::from(*length) * element.path_bytes + u64::from(fields) * index;
                Measure { size, fields, path_bytes, depth: element.depth + 1, ..element }
            }
            Shape::Struct(members) => self.measure_struct(members, path, depth)?,
        };
        if measure.depth > LAYOUT_DEPTH_MAX {
            return Err(LayoutError::Depth { path: path.to_owned() });
        }
        Ok(measure)
    }

    fn measure_struct(
        &mut self,
        members: &'a [Member],
        path: &str,
        depth: u32,
    ) -> Result<Measure, LayoutError> {
        let mut whole = Measure { size: 0, align: 1, fields: 0, path_bytes: 0, depth: 0 };
        let mut names = BTreeSet::new();
        for member in members {
            let (name, shape) = match member {
                Member::Field(name, shape) => (name, shape),
                Member::Pad(0) => return Err(LayoutError::Empty { path: format!("{path}.pad") }),
                Member::Pad(bytes) => {
                    let bytes = u64::from(whole.size) + u64::from(*bytes);
                    whole.size = within_limits(path, bytes, whole.fields.into())?.0;
                    continue;
                }
            };
            let path = format!("{path}.{name}");
            check_name(name, &path)?;
            if !names.insert(name) {
                return Err(LayoutError::Duplicate { path });
            }
            let field = self.measure(shape, &path, depth + 1)?;
            let bytes = u64::from(whole.size.next_multiple_of(field.align)) + u64::from(field.size);
            let fields = u64::from(whole.fields) + u64::from(field.fields);
            (whole.size, whole.fields) = within_limits(&path, bytes, fields)?;
            whole.path_bytes += field.path_bytes + u64::from(field.fields) * (name.len() as u64 + 1);
            whole.align = whole.align.max(field.align);
            whole.depth = whole.depth.max(field.depth + 1);
        }
        if names.is_empty() {
            return Err(LayoutError::Empty { path: path.to_owned() });
        }
        let bytes = whole.size.next_multiple_of(whole.align);
        (whole.size, _) = within_limits(path, bytes.into(), whole.fields.into())?;
        Ok(whole)
    }

    /// Adds the scalars of a type that was measured, at `offset`, to a layout.
    fn place(&self, shape: &Shape, offset: u32, path: &str, layout: &mut Layout) {
        match shape {
            Shape::Scalar(kind) => {
                layout.fields.push(Field { path: path.to_owned(), offset, kind: *kind });
            }
            Shape::Named(name) => self.place(&self.shapes[name], offset, path, layout),
            Shape::Array(element, length) => {
                let (size, _) = self.measured(element);
                for index in 0..*length {
                    self.place(element, offset + index * size, &format!("{path}[{index}]"), layout);
                }
            }
            Shape::Struct(members) => {
                let mut end = offset;
                for member in members {
                    match member {
                        Member::Pad(bytes) => end += bytes,
                        Member::Field(name, shape) => {
                            let (size, align) = self.measured(shape);
                            // The struct itself lies at a multiple of its widest field's.
                            let start = end.next_multiple_of(align);
                            let dot = if path.is_empty() { "" } else { "." };
                            self.place(shape, start, &format!("{path}{dot}{name}"), layout);
                            end = start + size;
                        }
                    }
                }
            }
        }
    }

    /// Size and alignment of a type that is within the limits.
    fn measured(&self, shape: &Shape) -> (u32, u32) {
        match shape {
            Shape::Scalar(kind) => (kind.size(), kind.size()),
            Shape::Named(name) => {
                let Measure { size, align, .. } = self.measures[name.as_str()];
                (size, align)
            }
            Shape::Array(element, length) => {
                let (size, align) = self.measured(element);
                (size * length, align)
            }
            Shape::Struct(members) => {
                let (mut end, mut align) = (0_u32, 1);
                for member in members {
                    match member {
                        Member::Pad(bytes) => end += bytes,
                        Member::Field(_, shape) => {
                            let (field_size, field_align) = self.measured(shape);
                            end = end.next_multiple_of(field_align) + field_size;
                            align = align.max(field_align);
                        }
                    }
                }
                (end.next_multiple_of(align), align)
            }
        }
    }
}

/// Bytes and scalars, where there are not too many.
fn within_limits(path: &str, bytes: u64, fields: u64) -> Result<(u32, u32), LayoutError> {
    if bytes > u64::from(LAYOUT_BYTES_MAX) {
        return Err(LayoutError::Size { path: path.to_owned(), bytes });
    }
    if fields > u64::from(LAYOUT_FIELDS_MAX) {
        return Err(LayoutError::Fields { path: path.to_owned(), fields });
    }
    Ok((bytes as u32, fields as u32))
}

fn too_long(bytes: usize) -> LayoutError {
    let reason = format!("it has {bytes} bytes, and may have {LAYOUT_TEXT_BYTES_MAX}");
    LayoutError::Text { place: "the text of the layouts".to_owned(), reason }
}

fn check_name(name: &str, path: &str) -> Result<(), LayoutError> {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let rest = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
    let is_name = name.bytes().next().is_some_and(first) && name.bytes().all(rest);
    if is_name && name.len() <= LAYOUT_NAME_BYTES_MAX {
        return Ok(());
    }
    let shown: String = path.chars().take(LAYOUT_NAME_BYTES_MAX).collect();
    Err(LayoutError::Name { path: format!("{shown:?}") })
}
