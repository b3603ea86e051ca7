//! The host on Linux: `uname(2)`, and the start of `/proc/cpuinfo`.

pub(super) use crate::sys::machine::hostname;
use crate::sys::proc::Text;

/// Returns the model name of the first CPU. Not every architecture has one: on ARM there is no such line.
pub(super) fn cpu_model() -> Option<String> {
    // Only the start: the whole file has a page for every few CPUs, and asks each CPU for its frequency.
    let start = Text::<2048>::read("/proc/cpuinfo")?;
    model(start.as_c_str().to_bytes())
}

/// Parses the line `model name : NAME`, if it is complete.
fn model(cpuinfo: &[u8]) -> Option<String> {
    let mut lines = cpuinfo.split_inclusive(|&byte| byte == b'\n');
    let line = lines.find_map(|line| line.strip_prefix(b"model name")?.strip_suffix(b"\n"))?;
    let name = str::from_utf8(line).ok()?.trim_start().strip_prefix(':')?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_that_of_the_first_cpu() {
        let cpuinfo = "processor\t: 0\nmodel\t\t: 167\nmodel name\t: A (R) CPU @ 3.00GHz \nstepping\t: 1\n\
                       \nprocessor\t: 1\nmodel name\t: B\n";
        assert_eq!(model(cpuinfo.as_bytes()).as_deref(), Some("A (R) CPU @ 3.00GHz"));
    }

    #[test]
    fn without_a_whole_line_there_is_none() {
        for cpuinfo in
            ["", "processor\t: 0\nBogoMIPS\t: 50.00\n", "model name\t: A (R)", "model name\t: \n"]
        {
            assert_eq!(model(cpuinfo.as_bytes()), None, "{cpuinfo:?}");
        }
    }
}
