//! The fields of a session about its machine and its limits.

use crate::{
    Place,
    support::{Record, Records, Run},
};

fn records(run: impl FnOnce(&Place) -> Run) -> Records {
    let place = Place::new();
    assert!(run(&place).finish().exits(0).is_quiet());
    let records = place.records();
    for field in ["mem_total_bytes", "mem_limit_bytes", "cpu_count"] {
        assert_eq!(records.start().int(field), records.end().int(field), "{field}");
    }
    assert_eq!(cpu_limit(records.start()).to_bits(), cpu_limit(records.end()).to_bits());
    records
}

fn cpu_limit(session: &Record) -> f64 {
    session.float("cpu_limit")
}

#[test]
fn a_session_names_its_machine() {
    let records = records(|place| place.run("suite::fails"));
    let start = records.start();
    assert_eq!(start.text("os"), std::env::consts::OS);
    assert_eq!(start.text("arch"), std::env::consts::ARCH);
    #[cfg(unix)]
    {
        let uname = Run::new("uname").arg("-n").finish().exits(0);
        assert_eq!(start.text("hostname"), uname.stdout.trim_end());
    }
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").expect("there is one");
        let line = format!(": {}", start.text("cpu_model"));
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        assert!(model.expect("x86 has a name").trim_end().ends_with(&line), "{line}");
    }
}

#[test]
fn without_a_limit_there_is_as_much_as_the_machine_has() {
    let records = records(|place| place.run("suite::fails"));
    let start = records.start();
    let few = |number: i64| f64::from(i32::try_from(number).expect("a few"));
    let cpus = std::thread::available_parallelism().expect("a number").get();
    // The standard library rounds a quota down, but not below one.
    let whole = cpu_limit(start).floor().max(1.0);
    assert!((whole - few(cpus.try_into().expect("a few"))).abs() < 0.1, "{whole}");
    assert!(cpu_limit(start) <= few(start.int("cpu_count")));
    assert!(start.int("mem_limit_bytes") <= start.int("mem_total_bytes"));
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        fs, io, mem,
        path::{Path, PathBuf},
        process,
    };

    use super::{cpu_limit, records};
    use crate::support::Run;

    #[test]
    fn a_process_that_is_bound_to_one_cpu_has_one() {
        // SAFETY: the pointers are to sets of our own. The call binds this thread only, and its children inherit that.
        unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            let size = size_of_val(&set);
            assert_eq!(libc::sched_getaffinity(0, size, &raw mut set), 0);
            let first = (0..size * 8).find(|&cpu| libc::CPU_ISSET(cpu, &set)).expect("one");
            let mut one: libc::cpu_set_t = mem::zeroed();
            libc::CPU_SET(first, &mut one);
            assert_eq!(libc::sched_setaffinity(0, size, &raw const one), 0);
        }
        let records = records(|place| place.run("suite::fails"));
        assert!((0.0..=1.0).contains(&cpu_limit(records.start())));
        let nproc = Run::new("nproc").env_remove("OMP_NUM_THREADS").finish().exits(0);
        assert_eq!(nproc.stdout, "1\n");
    }

    /// Control groups that are removed on drop, innermost first.
    struct Groups(Vec<PathBuf>);

    impl Groups {
        /// Creates this group, and missing parents, below a mounted hierarchy.
        fn make(&mut self, hierarchy: &str, path: &str) -> io::Result<PathBuf> {
            let mut folder = PathBuf::from(hierarchy);
            for name in Path::new(path) {
                folder.push(name);
                if !folder.exists() {
                    fs::create_dir(&folder)?;
                    self.0.push(folder.clone());
                }
            }
            Ok(folder)
        }
    }

    impl Drop for Groups {
        fn drop(&mut self) {
            for folder in self.0.iter().rev() {
                fs::remove_dir(folder).expect("no process is left in it");
            }
        }
    }

    /// Creates a group with limits and one without limits inside. Returns the files by which a process joins the inner
    /// group.
    fn limited(groups: &mut Groups, memory: u64) -> io::Result<Vec<PathBuf>> {
        let outer = format!("resmon-test-{}", process::id());
        let inner = format!("{outer}/inner");
        if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
            let root = "/sys/fs/cgroup";
            let folder = groups.make(root, &outer)?;
            fs::write(folder.join("memory.max"), memory.to_string())?;
            fs::write(folder.join("cpu.max"), "75000 100000")?;
            return Ok(vec![groups.make(root, &inner)?.join("cgroup.procs")]);
        }
        let (memory_root, cpu_root) = ("/sys/fs/cgroup/memory", "/sys/fs/cgroup/cpu");
        let folder = groups.make(memory_root, &outer)?;
        fs::write(folder.join("memory.limit_in_bytes"), memory.to_string())?;
        let folder = groups.make(cpu_root, &outer)?;
        fs::write(folder.join("cpu.cfs_period_us"), "100000")?;
        fs::write(folder.join("cpu.cfs_quota_us"), "75000")?;
        let mut join = Vec::new();
        for root in [memory_root, cpu_root] {
            join.push(groups.make(root, &inner)?.join("cgroup.procs"));
        }
        Ok(join)
    }

    #[test]
    fn a_control_group_limits_the_processes_in_those_below_it() {
        const MEMORY: u64 = 256 << 20;
        let mut groups = Groups(Vec::new());
        let join = match limited(&mut groups, MEMORY) {
            Ok(join) => join,
            Err(error) => {
                println!("skipped: no control group can be made and limited: {error}");
                return;
            }
        };
        let joins = join.iter().map(|file| format!("echo $$ > {} && ", file.display()));
        let script = joins.chain(["exec \"$0\" \"$@\"".into()]).collect::<String>();
        let records = records(|place| {
            let own = std::env::current_exe().expect("a test binary knows where it is");
            let run = Run::new("sh").args(["-c", &script]).arg(own).arg("suite::fails");
            run.env("RESMON_FILE", &place.file)
        });
        let start = records.start();
        assert_eq!(start.int("mem_limit_bytes"), i64::try_from(MEMORY).expect("a few bytes"));
        assert!(start.int("mem_total_bytes") > start.int("mem_limit_bytes"));
        assert!((cpu_limit(start) - 0.75).abs() < 1e-9, "{}", cpu_limit(start));
    }
}
