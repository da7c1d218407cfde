//! Layouts as text: a list of `name: type`, in SLP, so that they can come from a file.
//!
//! Invariant: what a shape prints reads back as the same shape. The depth of lists is the parser's limit.

use super::{LayoutError, Member, ScalarKind, Shape};
use crate::slp::{Kind, Limits, View, parse};

/// The types of a text, by name, in its order.
pub(super) fn read_text(text: &str) -> Result<Vec<(String, Shape)>, LayoutError> {
    let forms = parse(text, &Limits::default()).map_err(|error| LayoutError::Text {
        place: format!("the text at line {}, column {}", error.line, error.column),
        reason: error.to_string(),
    })?;
    read_types(forms.as_object().view())
}

/// The types of a list of `name: type`.
pub(super) fn read_types(list: View<'_>) -> Result<Vec<(String, Shape)>, LayoutError> {
    let mut forms = list.children();
    let mut types = Vec::new();
    while let Some(form) = forms.next() {
        let name = read_name(form, "the list of layouts")?;
        let shape = forms.next().ok_or_else(|| refused(&name, "there is nothing behind its name"))?;
        let shape = read_shape(shape, &name)?;
        types.push((name, shape));
    }
    Ok(types)
}

fn read_shape(form: View<'_>, path: &str) -> Result<Shape, LayoutError> {
    match form.kind() {
        Kind::Symbol => {
            let name = form.symbol_str().expect("it is a symbol");
            Ok(ScalarKind::from_name(name).map_or_else(|| Shape::Named(name.to_owned()), Shape::Scalar))
        }
        Kind::Bracket => {
            let wrong = "an array is [type length], as [f32 3]";
            let (Some(element), Some(length), 2) = (form.get(0), form.get(1), form.len()) else {
                return Err(refused(path, wrong));
            };
            let length = length.integer().and_then(|length| u32::try_from(length).ok());
            let length = length.ok_or_else(|| refused(path, wrong))?;
            Ok(Shape::array(read_shape(element, &format!("{path}[]"))?, length))
        }
        Kind::Brace => read_struct(form, path),
        _ => Err(refused(path, "a type is a name, a struct {x: f32 ..} or an array [type length]")),
    }
}

fn read_struct(form: View<'_>, path: &str) -> Result<Shape, LayoutError> {
    let mut forms = form.children();
    let mut members = Vec::new();
    while let Some(form) = forms.next() {
        if form.kind() == Kind::Paren {
            let is_pad = form.len() == 2 && form.get(0).is_some_and(|head| head.is_symbol("pad"));
            let bytes = form.get(1).filter(|_| is_pad).and_then(View::integer);
            let bytes = bytes.and_then(|bytes| u32::try_from(bytes).ok());
            let bytes = bytes.ok_or_else(|| refused(path, "bytes left free are (pad count), as (pad 3)"))?;
            members.push(Member::Pad(bytes));
            continue;
        }
        let name = read_name(form, path)?;
        let path = format!("{path}.{name}");
        let shape = forms.next().ok_or_else(|| refused(&path, "there is nothing behind its name"))?;
        members.push(Member::Field(name, read_shape(shape, &path)?));
    }
    Ok(Shape::Struct(members))
}

/// `name:`, without the colon.
fn read_name(form: View<'_>, path: &str) -> Result<String, LayoutError> {
    let name = form.symbol_str().and_then(|name| name.strip_suffix(':'));
    name.map(str::to_owned).ok_or_else(|| refused(path, "it is a list of names and types, as `x: f32`"))
}

fn refused(place: &str, reason: &str) -> LayoutError {
    LayoutError::Text { place: place.to_owned(), reason: reason.to_owned() }
}
