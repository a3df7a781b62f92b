//! From the tensors of a file to those under official names.
//!
//! RRDBNet has been published under three sets of tensor names; this maps the older two to the official one. SPAN's
//! tensors are [`span`]'s.
//!
//! | official | first BasicSR | before BasicSR |
//! |---|---|---|
//! | `conv_first` | `conv_first` | `model.0` |
//! | `body.0.rdb1.conv1` | `RRDB_trunk.0.RDB1.conv1` | `model.1.sub.0.RDB1.conv1.0` |
//! | `conv_body` | `trunk_conv` | `model.1.sub.B`, B = blocks |
//! | `conv_up1` | `upconv1` | `model.3` |
//! | `conv_up2` | `upconv2` | `model.6` |
//! | `conv_hr` | `HRconv` | the last but one |
//! | `conv_last` | `conv_last` | the last |

use std::collections::BTreeSet;

use crate::{Error, Tensors, span};

/// Gives the tensors their official names. Names that are not known stay as they are.
pub(crate) fn official(tensors: Tensors) -> Result<Tensors, Error> {
    // Training on several GPUs wraps the network in a `module`.
    let wrapped = !tensors.is_empty() && tensors.iter().all(|(name, _)| name.starts_with("module."));
    let tensors = if wrapped { tensors.renamed(|name| name.replacen("module.", "", 1))? } else { tensors };
    if tensors.get("model.0.weight").is_some() {
        let before = BeforeBasicSr::of(&tensors);
        return tensors.renamed(|name| before.official(name).unwrap_or_else(|| name.to_owned()));
    }
    if tensors.get("conv_cat.weight").is_some() {
        return span::official(&tensors);
    }
    if tensors.get("trunk_conv.weight").is_some() {
        return tensors.renamed(|name| first_basic_sr(name).unwrap_or_else(|| name.to_owned()));
    }
    Ok(tensors)
}

fn first_basic_sr(name: &str) -> Option<String> {
    if let Some(rest) = name.strip_prefix("RRDB_trunk.") {
        return Some(format!("body.{}", rest.replacen("RDB", "rdb", 1)));
    }
    let (layer, kind) = name.split_once('.')?;
    let layer = match layer {
        "trunk_conv" => "conv_body",
        "upconv1" => "conv_up1",
        "upconv2" => "conv_up2",
        "HRconv" => "conv_hr",
        _ => return None,
    };
    Some(format!("{layer}.{kind}"))
}

/// The oldest names are places in a list, so what they mean depends on the list's length.
struct BeforeBasicSr {
    /// Places of the convolutions after the blocks.
    tail: Vec<u32>,
}

impl BeforeBasicSr {
    fn of(tensors: &Tensors) -> Self {
        let places = tensors.iter().filter_map(|(name, _)| {
            let place = name.strip_prefix("model.")?.strip_suffix(".weight")?;
            place.parse::<u32>().ok()
        });
        let places: BTreeSet<u32> = places.filter(|&place| place > 1).collect();
        Self { tail: places.into_iter().collect() }
    }

    fn official(&self, name: &str) -> Option<String> {
        let rest = name.strip_prefix("model.")?;
        if let Some(block) = rest.strip_prefix("1.sub.") {
            let (block, layer) = block.split_once('.')?;
            if let Some(dense) = layer.strip_prefix("RDB") {
                // `1.conv1.0.weight`: the 0 is the convolution's place beside its activation.
                return Some(format!("body.{block}.rdb{}", dense.replacen(".0.", ".", 1)));
            }
            return Some(format!("conv_body.{layer}"));
        }
        let (place, kind) = rest.split_once('.')?;
        let place: u32 = place.parse().ok()?;
        if place == 0 {
            return Some(format!("conv_first.{kind}"));
        }
        let index = self.tail.iter().position(|&known| known == place)?;
        Some(match self.tail.len() - index {
            1 => format!("conv_last.{kind}"),
            2 => format!("conv_hr.{kind}"),
            _ => format!("conv_up{}.{kind}", index + 1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture::tests::{COMPACT, ESRGAN, SPAN, tensors_of};

    #[test]
    fn official_names_stay() {
        for architecture in [COMPACT, ESRGAN, SPAN] {
            let tensors = tensors_of(&architecture);
            assert_eq!(official(tensors.clone()).unwrap(), tensors);
        }
    }

    #[test]
    fn a_wrapper_is_taken_off() {
        let tensors = tensors_of(&COMPACT);
        let wrapped = tensors.clone().renamed(|name| format!("module.{name}")).unwrap();
        assert_eq!(official(wrapped).unwrap(), tensors);
    }

    #[test]
    fn the_names_of_the_first_basic_sr_are_known() {
        let tensors = tensors_of(&ESRGAN);
        let old = tensors.clone().renamed(|name| {
            let name = name.replace("conv_body", "trunk_conv").replace("conv_hr", "HRconv");
            let name = name.replace("conv_up", "upconv").replace("rdb", "RDB");
            name.strip_prefix("body.").map_or(name.clone(), |rest| format!("RRDB_trunk.{rest}"))
        });
        let old = old.unwrap();
        assert!(old.get("RRDB_trunk.1.RDB3.conv5.bias").is_some());
        assert_eq!(official(old).unwrap(), tensors);
    }

    #[test]
    fn the_names_before_basic_sr_are_known() {
        let tensors = tensors_of(&ESRGAN);
        let old = tensors.clone().renamed(|name| {
            let (layer, kind) = name.rsplit_once('.').unwrap();
            match layer {
                "conv_first" => format!("model.0.{kind}"),
                "conv_body" => format!("model.1.sub.2.{kind}"),
                "conv_up1" => format!("model.3.{kind}"),
                "conv_up2" => format!("model.6.{kind}"),
                "conv_hr" => format!("model.8.{kind}"),
                "conv_last" => format!("model.10.{kind}"),
                _ => format!("model.1.sub.{}.0.{kind}", layer.replace("rdb", "RDB").replace("body.", "")),
            }
        });
        let old = old.unwrap();
        assert!(old.get("model.1.sub.0.RDB1.conv1.0.weight").is_some());
        assert_eq!(official(old).unwrap(), tensors);
    }
}
