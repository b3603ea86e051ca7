use super::*;

const TOKEN: (&str, &str) = ("TINYBIRD_WRITE_TOKEN", "p.secret");

fn read(variables: &[(&str, &str)]) -> (Config, Vec<String>) {
    Config::read(|name: &str| {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
    })
}

fn output(variables: &[(&str, &str)]) -> Output {
    let (config, warnings) = read(variables);
    assert_eq!(warnings, [""; 0]);
    config.output
}

#[test]
fn disabled_then_token_then_file_then_nothing() {
    let file = ("RESMON_FILE", "/tmp/f");
    assert_eq!(output(&[]), Output::Nothing);
    assert_eq!(output(&[file]), Output::File("/tmp/f".into()));
    assert_eq!(output(&[file, ("RESMON_DISABLE", "1")]), Output::Nothing);
    for off in ["", " ", "0", "false", "No", "OFF"] {
        assert_eq!(output(&[file, ("RESMON_DISABLE", off)]), Output::File("/tmp/f".into()));
    }
    for blank in ["", " ", "\n"] {
        let token = ("TINYBIRD_WRITE_TOKEN", blank);
        assert_eq!(output(&[file, token]), Output::File("/tmp/f".into()));
        assert_eq!(output(&[token, ("RESMON_FILE", blank)]), Output::Nothing);
    }
}

#[test]
fn an_intake_goes_before_all_but_disabled() {
    let intake = ("RESMON_INTAKE", "/spool/i");
    for other in [TOKEN, ("RESMON_FILE", "/f"), ("RESMON_SPOOL_DIR", "/elsewhere")] {
        let (config, warnings) = read(&[other, intake, ("RESMON_BATCH_SIZE", "x")]);
        assert_eq!((config.output, warnings), (Output::File("/spool/i".into()), vec![]));
        assert_eq!((config.spool, config.child), (Some("/spool".into()), Some("0".to_owned())));
    }
    assert_eq!(read(&[intake, ("RESMON_CHILD", "u")]).0.child.as_deref(), Some("u"));
    assert_eq!(output(&[intake, ("RESMON_DISABLE", "1")]), Output::Nothing);
    assert_eq!(read(&[("RESMON_FILE", "/f"), ("RESMON_CHILD", "u")]).0.child, None);
}

#[test]
fn what_has_no_effect_is_not_complained_about() {
    let bad = [("RESMON_BATCH_SIZE", "x"), ("RESMON_FLUSH_TIMEOUT", "x")];
    let (config, warnings) = read(&bad);
    assert_eq!((config.output, warnings), (Output::Nothing, vec![]));
}

#[test]
fn numbers_that_are_none_name_the_variable_and_what_is_used() {
    for bad in ["0", "-1", "abc", "1.5"] {
        let (config, warnings) = read(&[("RESMON_FILE", "/f"), ("RESMON_BATCH_SIZE", bad)]);
        assert_eq!(config.delivery.batch_size, 50);
        let expected =
            format!("RESMON_BATCH_SIZE is {bad:?}, not a whole number of at least 1; using 50");
        assert_eq!(warnings, [expected]);
    }
    for bad in ["-1", "soon", "NaN", "inf", "1e300"] {
        let (config, warnings) = read(&[("RESMON_FILE", "/f"), ("RESMON_FLUSH_TIMEOUT", bad)]);
        assert_eq!(config.delivery, Delivery::default());
        let expected =
            format!("RESMON_FLUSH_TIMEOUT is {bad:?}, not a number of seconds; using 10");
        assert_eq!(warnings, [expected]);
    }
    let good =
        [("RESMON_FILE", "/f"), ("RESMON_BATCH_SIZE", " 7 "), ("RESMON_FLUSH_TIMEOUT", "0.5")];
    let (config, warnings) = read(&good);
    assert_eq!(
        (config.delivery.batch_size, config.delivery.flush_timeout),
        (7, Duration::from_millis(500))
    );
    assert_eq!(warnings, [""; 0]);
}

mod tinybird {
    use super::*;

    #[test]
    fn a_token_goes_before_a_file() {
        assert!(matches!(output(&[("RESMON_FILE", "/f"), TOKEN]), Output::Tinybird(_)));
        let disabled = [("RESMON_DISABLE", "yes"), TOKEN];
        assert_eq!(output(&disabled), Output::Nothing);
    }

    #[test]
    fn base_urls_lose_their_slashes() {
        for url in [
            "http://127.0.0.1:7181",
            "http://127.0.0.1:7181/",
            "http://[::1]:80",
            "http://[::1]/",
            "https://h/base/path//",
        ] {
            let Output::Tinybird(endpoint) = output(&[TOKEN, ("TINYBIRD_API_URL", url)]) else {
                panic!("{url}");
            };
            assert_eq!(endpoint.base(), url.trim_end_matches('/'));
            assert_eq!(endpoint.datasource(), "ci_test_metrics");
        }
    }

    #[test]
    fn a_bad_url_sends_the_token_nowhere() {
        let urls = [
            "api",
            "ftp://h",
            "http://",
            "http:// h",
            "http://u:pw@h",
            "http://h:port",
            "http://h:99999",
            "p.secret",
            "https://h/p.secret/",
            "http://h?token=pw",
            "/x",
        ];
        for url in urls {
            let (config, warnings) = read(&[TOKEN, ("TINYBIRD_API_URL", url)]);
            assert_eq!(config.output, Output::Nothing, "{url}");
            assert_eq!(warnings.len(), 1, "{url}");
            assert!(warnings[0].starts_with("TINYBIRD_API_URL is "), "{warnings:?}");
            assert!(!warnings[0].contains("pw") && !warnings[0].contains("secret"), "{warnings:?}");
        }
    }

    #[test]
    fn a_token_that_is_none_is_not_shown() {
        let variables = [("TINYBIRD_WRITE_TOKEN", "p.sec\nret"), ("RESMON_FILE", "/f")];
        let (config, warnings) = read(&variables);
        assert_eq!(config.output, Output::File("/f".into()));
        assert!(warnings[0].starts_with("TINYBIRD_WRITE_TOKEN holds a character"));
        assert!(!warnings[0].contains("sec"));
    }

    #[test]
    fn white_space_around_a_token_is_taken_off() {
        let (config, warnings) = read(&[("TINYBIRD_WRITE_TOKEN", "p.secret\n")]);
        assert_eq!(warnings.len(), 1);
        let Output::Tinybird(endpoint) = &config.output else { panic!("{config:?}") };
        assert_eq!(endpoint.token(), "p.secret");
        assert!(!format!("{config:?}").contains("secret"));
    }
}

#[test]
fn the_table_states_the_defaults() {
    let defaults = VARIABLES.iter().map(|variable| (variable.name, variable.default));
    let numbers: Vec<_> =
        defaults.filter(|(name, _)| [BATCH_SIZE, FLUSH_TIMEOUT].contains(name)).collect();
    let (config, warnings) = read(&[&numbers[..], &[(FILE, "/f")]].concat());
    assert_eq!((config.delivery, warnings), (Delivery::default(), vec![]));
    assert_eq!(numbers.len(), 2);
}
