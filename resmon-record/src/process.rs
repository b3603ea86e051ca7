//! The names of processes. They show that a process is alive even after a test has closed its locked file.

/// Returns the name of this process: the boot id, the process id and the start time. Empty where the system has none.
#[must_use]
pub fn name() -> String {
    name_of(std::process::id()).unwrap_or_default()
}

/// Whether the process with this [`name`] is alive. `false` also if this process cannot see it.
#[must_use]
pub fn is_alive(name: &str) -> bool {
    let id = name.split('-').nth(1).and_then(|id| u32::try_from(id.parse::<u64>().ok()?).ok());
    id.and_then(name_of).is_some_and(|found| found == name)
}

/// Returns the name of a living process. The system uses process ids again, so the name has the start time, which
/// counts from the boot, and the id of the boot. `None` if there is no such process, or if the system has no names.
#[cfg(target_os = "linux")]
#[must_use]
pub fn name_of(id: u32) -> Option<String> {
    let stat = read(&format!("/proc/{id}/stat"))?;
    // The start time is field 22 of proc_pid_stat(5). Field 2, the command, may contain spaces and brackets. A zombie
    // is dead.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    let started = fields.nth(18).filter(|_| !is_dead)?;
    let boot = read("/proc/sys/kernel/random/boot_id")?;
    Some(format!("{}-{id}-{started}", boot.get(..8)?))
}

/// Returns `None`: only Linux has such names.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn name_of(_id: u32) -> Option<String> {
    None
}

#[cfg(target_os = "linux")]
fn read(path: &str) -> Option<String> {
    let file = std::fs::File::open(path).ok()?;
    // Both files are shorter than this.
    let mut text = vec![0; 1024];
    let length = crate::file::read_at(&file, &mut text, 0);
    crate::file::close(file);
    text.truncate(length.ok()?);
    String::from_utf8(text).ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_ends() {
        assert!(is_alive(&name()));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let child_name = name_of(child.id()).unwrap();
        assert!(is_alive(&child_name) && child_name != name());
        child.kill().unwrap();
        // A zombie until it is waited for.
        while is_alive(&child_name) {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(!is_alive(&child_name) && !is_alive("") && !is_alive("x"));
        // The same process id with another start time.
        assert!(!is_alive(&format!("00000000-{}-1", std::process::id())));
    }
}
