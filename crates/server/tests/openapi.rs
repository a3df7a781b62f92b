//! The description of the API that programs and the page are built from is the one that the server gives.

use std::path::Path;

use serde_json::Value;

/// Write the file anew with `UPSCALED_RECORD=1`.
#[test]
fn the_recorded_description_is_that_of_this_server() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let now = server::openapi().unwrap() + "\n";
    if std::env::var_os("UPSCALED_RECORD").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(recorded == now, "docs/openapi.json is of another API: record it with UPSCALED_RECORD=1");
}

/// Every place that is referred to.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn whatever_it_refers_to_is_there() {
    let description: Value = serde_json::from_str(&server::openapi().unwrap()).unwrap();
    let mut found = Vec::new();
    references(&description, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(place).is_some(), "{reference} is not there");
    }
}
