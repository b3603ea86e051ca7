//! Limits that a user sets: `time:+20%+50ms`, `rss:1GiB`.

use std::str::FromStr;

use bytesize::ByteSize;

use super::metric::{Metric, Unit};
use super::statistics::Rule;

/// The increase of a metric from which a limit holds. A part that is `None` is that of the metric's own rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Increase {
    pub(crate) metric: Metric,
    share: Option<f64>,
    floor: Option<f64>,
}

/// The most that a metric may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Most {
    pub(crate) metric: Metric,
    pub(crate) figure: f64,
}

impl Increase {
    /// Returns the rule, with the parts of `usual` that are not given.
    pub(crate) fn rule(&self, usual: Rule) -> Rule {
        Rule {
            share: self.share.unwrap_or(usual.share),
            floor: self.floor.unwrap_or(usual.floor),
            ..usual
        }
    }
}

impl FromStr for Increase {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, amounts) = text.split_once(':').unwrap_or((text, ""));
        let metric = metric(name)?;
        let mut increase = Self { metric, share: None, floor: None };
        for amount in amounts.split('+').map(str::trim).filter(|amount| !amount.is_empty()) {
            let (part, value) = match amount.strip_suffix('%') {
                Some(percent) => (&mut increase.share, percentage(percent)?),
                None => (&mut increase.floor, parse(metric, amount)?),
            };
            if part.replace(value).is_some() {
                return Err(format!("{amount:?} is a second amount of its kind"));
            }
        }
        if text.contains(':') && increase.share.is_none() && increase.floor.is_none() {
            return Err(format!("an amount is missing after the colon: {}", example(metric)));
        }
        Ok(increase)
    }
}

impl FromStr for Most {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, figure) = text.split_once(':').unwrap_or((text, ""));
        let metric = metric(name)?;
        if figure.contains(['%', '+']) {
            return Err(
                "a figure is expected, such as rss:1GiB: an increase is for --fail".to_owned()
            );
        }
        if figure.is_empty() {
            return Err(format!("a figure is missing: `{metric}:FIGURE`", metric = metric.name()));
        }
        Ok(Self { metric, figure: parse(metric, figure)? })
    }
}

fn metric(name: &str) -> Result<Metric, String> {
    Metric::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        format!("there is no metric {name:?}; there are {}", names.join(", "))
    })
}

fn example(metric: Metric) -> String {
    let floor = match metric.unit() {
        Unit::Seconds => "50ms",
        Unit::Bytes => "8MiB",
        Unit::Count => "100",
    };
    format!("{}:+20%+{floor}", metric.name())
}

fn percentage(text: &str) -> Result<f64, String> {
    let percent: Option<f64> = text.trim().parse().ok();
    percent
        .filter(|percent| (0.0..1e9).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| format!("{text:?} is not a percentage"))
}

/// Parses a figure of a metric: `1.5s`, `8MiB`, `100`.
pub(crate) fn parse(metric: Metric, text: &str) -> Result<f64, String> {
    let (figure, wanted) = match metric.unit() {
        Unit::Seconds => (seconds(text), "a duration, such as 50ms, 1.5s or 2min"),
        Unit::Bytes => {
            #[expect(clippy::cast_precision_loss, reason = "a limit needs no more than 52 bits")]
            let bytes = ByteSize::from_str(text).ok().map(|size| size.as_u64() as f64);
            (bytes, "a size, such as 64KiB, 8MiB or 1GiB")
        }
        Unit::Count => (text.parse().ok(), "a number"),
    };
    figure
        .filter(|figure| (0.0..1e18).contains(figure))
        .ok_or_else(|| format!("{text:?} is not {wanted}"))
}

fn seconds(text: &str) -> Option<f64> {
    let end = text.find(|c: char| c.is_alphabetic() || c == ' ')?;
    let unit = match text[end..].trim() {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(text[..end].parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Rule {
        let increase: Increase = text.parse().unwrap();
        increase.rule(increase.metric.rule())
    }

    fn refused(text: &str) -> String {
        text.parse::<Increase>().unwrap_err()
    }

    #[test]
    fn a_part_that_is_left_out_is_that_of_the_metric() {
        assert_eq!(rule("time"), Metric::Time.rule());
        assert_eq!(rule("time:+30%"), Rule { share: 0.3, ..Metric::Time.rule() });
        assert_eq!(rule("time:30%"), rule("time:+30%"));
        assert_eq!(rule("cpu:+20%+1.5s"), Rule { floor: 1.5, ..Metric::Cpu.rule() });
        assert_eq!(rule("rss:+16MiB"), Rule { floor: 16.0 * MIB, ..Metric::Rss.rule() });
        assert_eq!(rule("alloc-count:+0%+10"), Rule { share: 0.0, floor: 10.0, noise: 0.0 });
    }

    #[test]
    fn mistakes_are_named() {
        assert!(refused("tiem:+20%").starts_with("there is no metric \"tiem\"; there are time, "));
        assert_eq!(refused("time:+50"), "\"50\" is not a duration, such as 50ms, 1.5s or 2min");
        assert_eq!(refused("heap:+5s"), "\"5s\" is not a size, such as 64KiB, 8MiB or 1GiB");
        assert_eq!(refused("time:+x%"), "\"x\" is not a percentage");
        assert_eq!(refused("time:+5%+6%"), "\"6%\" is a second amount of its kind");
        assert_eq!(refused("time:"), "an amount is missing after the colon: time:+20%+50ms");
        assert!(refused("time:+-5%").contains("not a percentage"));
        assert!("rss:+20%".parse::<Most>().unwrap_err().contains("--fail"));
        assert!("rss".parse::<Most>().unwrap_err().contains("rss:FIGURE"));
    }

    #[test]
    fn a_maximum_is_a_figure() {
        for (text, metric, figure) in [
            ("time:2min", Metric::Time, 120.0),
            ("rss:1GiB", Metric::Rss, 1024.0 * MIB),
            ("alloc-count:1e3", Metric::AllocCount, 1000.0),
        ] {
            assert_eq!(text.parse(), Ok(Most { metric, figure }));
        }
    }

    const MIB: f64 = 1_048_576.0;
}
