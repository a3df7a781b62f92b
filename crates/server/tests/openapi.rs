//! The description of the API that programs and the page are built from is the one that the server gives.

use std::path::Path;

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
