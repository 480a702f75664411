"""What `doctor` learns about the longest body that a view of the site takes."""

from frontend_site.security.largest_body import largest_body


def test_the_largest_limit_and_where_it_is() -> None:
    assert largest_body() == (1024 * 1024, "/shelf/ways/upload")
