//! The lines of an intake that are not records.

use resmon_record::record;

record! {
    /// The first line of an intake: the data to deliver it without its `cargo resmon`.
    Header<'a> {
        /// The kind of the line.
        resmon: &'a str,
        /// The path of the run's local copy.
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
    /// The shim's data of a process before its start.
    #[allow(missing_docs, reason = "the last fields mean what they mean in `Before`")]
    Began {
        /// The shim's process id.
        shim: u32,
        /// The shim's process name, by which it is known to be alive. Empty where the system has no such names.
        shim_name: String,
        /// The executable that the shim starts.
        executable: String,
        /// The test that the process is started for.
        test_name: Option<String>,
        /// `NEXTEST_BINARY_ID`
        binary_id: Option<String>,
        /// `CARGO_MANIFEST_DIR`
        manifest_dir: Option<String>,
        /// The Cargo target of the process, if the instrumented build has named it.
        target: Option<String>,
        /// The reason why the tests are not measured from inside, although they should be.
        not_instrumented: Option<String>,
        /// The reason why the heap is not counted, although it should be.
        heap_not_counted: Option<String>,
        /// The same as in [`Before`], like all fields below.
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
    /// The shim's data of a process after its end.
    #[allow(missing_docs, reason = "some fields mean what they mean in `After`")]
    Ended {
        /// The process id.
        pid: u32,
        /// The exit code, unless a signal ended the process.
        exit_code: Option<i32>,
        /// The signal that ended the process.
        signal: Option<i32>,
        /// The same as in [`After`] for a process that runs one test, like the fields below without a description.
        duration_s: f64,
        cpu_after: Option<f64>,
        mem_available_after: Option<u64>,
        mem_percent_after: Option<f64>,
        disk_free_after: Option<u64>,
        disk_percent_after: Option<f64>,
        /// CPU seconds in user code, of the process and of the children that it waited for.
        cpu_user_s: Option<f64>,
        /// CPU seconds in the kernel, of the same processes.
        cpu_system_s: Option<f64>,
        /// The owner of the CPU seconds.
        cpu_scope: &'static str,
        /// The peak of resident memory of the process, in bytes.
        rss_peak: Option<u64>,
        /// Bytes read from storage.
        io_read_bytes: Option<u64>,
        /// Bytes written to storage.
        io_write_bytes: Option<u64>,
    }
}
