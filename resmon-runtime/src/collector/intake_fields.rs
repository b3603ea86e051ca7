//! The lines of an intake that are not records.

use resmon_record::record;

record! {
    /// What an intake begins with.
    Header<'a> {
        /// Which kind of line this is.
        resmon: &'a str,
        /// Where the copy of the run is kept.
        copy: &'a str,
        /// The destination, if it is a file.
        file: Option<String>,
        /// The fingerprint of the destination, if it is Tinybird.
        tinybird: Option<String>,
        /// Test records per batch.
        batch_size: u64,
    }
}

record! {
    /// What the runner knows of a process before its start.
    #[allow(missing_docs, reason = "the last fields mean what they mean in `Before`")]
    Began {
        /// The runner's process id.
        runner: u32,
        /// What it starts.
        executable: String,
        /// The test that it is started for.
        test_name: Option<String>,
        /// `NEXTEST_BINARY_ID`
        binary_id: Option<String>,
        /// `CARGO_MANIFEST_DIR`
        manifest_dir: Option<String>,
        /// The Cargo target of the process, where the instrumented build has told.
        target: Option<String>,
        /// Why its tests are not measured from inside, though they were to be.
        not_instrumented: Option<String>,
        /// Why its heap is not counted, though it was to be.
        heap_not_counted: Option<String>,
        /// As in [`Before`]; so are those below.
        package: Option<String>,
        attempt: u32,
        cpu_before: Option<f64>,
        mem_available_before: Option<u64>,
        mem_percent_before: Option<f64>,
        disk_free_before: Option<u64>,
        disk_percent_before: Option<f64>,
    }
}

record! {
    /// What it knows after its end.
    #[allow(missing_docs, reason = "some fields mean what they mean in `After`")]
    Ended {
        /// The process id.
        pid: u32,
        /// Its exit code, unless a signal ended it.
        exit_code: Option<i32>,
        /// The signal that ended the process of the test.
        signal: Option<i32>,
        /// As in [`After`]; so are those below, of a process that runs one test.
        duration_s: f64,
        cpu_after: Option<f64>,
        mem_available_after: Option<u64>,
        mem_percent_after: Option<f64>,
        disk_free_after: Option<u64>,
        disk_percent_after: Option<f64>,
        /// CPU seconds of the process and of the children that it waited for.
        cpu_user_s: Option<f64>,
        /// The same in the kernel.
        cpu_system_s: Option<f64>,
        /// Whose CPU seconds they are.
        cpu_scope: &'static str,
        /// The most resident bytes of the process.
        rss_peak: Option<u64>,
        /// Bytes read from storage.
        io_read_bytes: Option<u64>,
        /// Bytes written to storage.
        io_write_bytes: Option<u64>,
    }
}
