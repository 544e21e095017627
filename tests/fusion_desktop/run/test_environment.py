from fusion_desktop.run.environment import clean

BUNDLED = {
    "PATH": "/usr/bin",
    "LD_LIBRARY_PATH": "/opt/fusion/_internal",
    "LD_LIBRARY_PATH_ORIG": "/usr/local/lib",
    "_PYI_ARCHIVE_FILE": "x",
    "QT_PLUGIN_PATH": "/opt/fusion/plugins",
    "PYTHONHOME": "/opt/fusion",
}


def test_what_a_bundle_put_into_the_environment_is_taken_out_again() -> None:
    assert clean(BUNDLED, is_bundled=True) == {"PATH": "/usr/bin", "LD_LIBRARY_PATH": "/usr/local/lib"}


def test_a_library_path_that_was_not_set_before_is_dropped() -> None:
    assert clean({"LD_LIBRARY_PATH": "/opt/fusion"}, is_bundled=True) == {}


def test_from_source_the_environment_stays_as_it_is() -> None:
    assert clean(BUNDLED, is_bundled=False) == BUNDLED
