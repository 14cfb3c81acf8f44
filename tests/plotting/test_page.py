"""The report of a solve: what it says, that it stands alone, and that a browser shows it."""

import html.parser
import re
import shutil
import subprocess

import matplotlib.image
import matplotlib.pyplot as plt
import numpy as np
import pytest

import optkit
from optkit.errors import InvalidTypeError

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no headless browser is found (chromium or google-chrome)"
)

T = np.array([0.0, 1.0, 2.0, 3.0])
Y = np.array([1.1, 2.9, 5.1, 6.9])


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


class Outline(html.parser.HTMLParser):
    """The tags of a page, whether they are closed in order, and where its addresses lead."""

    VOID = frozenset({"meta", "link"})

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.addresses, self.text = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [
            v for k, v in attrs if k in ("src", "href", "xlink:href", "data", "action")
        ]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


PAGES = {
    "fit": lambda: optkit.least_squares(lambda p: p[0] + p[1] * T - Y, [0.0, 0.0]),
    "many variables": lambda: optkit.minimize(rosenbrock, np.zeros(300), max_iter=100),
    "failure": lambda: optkit.minimize(
        rosenbrock, [-1.2, 1.0], method="gradient-descent", max_iter=2
    ),
    "foreign": lambda: optkit.minimize(rosenbrock, [-1.2, 1.0], method="scipy:Nelder-Mead"),
    "rank deficient": lambda: optkit.least_squares(lambda p: p[0] * p[1] * T - Y, [1.0, 1.0]),
}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_well_formed_and_loads_nothing(name, tmp_path):
    result = PAGES[name]()
    page = result.to_html(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page
    outline = Outline(page)
    assert outline.open == []
    assert "script" not in outline.tags
    assert "img" not in outline.tags
    assert all(a.startswith(("#", "data:")) for a in outline.addresses)
    assert not re.search(r"url\((?!#)|@import", page)
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    text = " ".join(outline.text)
    assert result.message in text
    assert ("No success" in text) == (not result.success)


def test_the_figures_of_the_solve_are_there():
    result = PAGES["fit"]()
    text = re.sub(r"\s+", " ", " ".join(Outline(result.to_html()).text))
    a, b = result.standard_errors
    for value in (result.x[0], result.x[1]):
        assert f"{value:.8g}" in text
    for value in (a, b):
        assert f"{value:.3g}" in text
    assert f"iterations {result.nit}" in text
    assert f"evaluations of the function {result.nfev}" in text
    assert optkit.__version__ in text


def test_where_there_are_no_standard_errors_the_page_says_why():
    page = PAGES["rank deficient"]().to_html()
    assert "No standard errors: " in page


def test_text_of_users_is_escaped():
    page = PAGES["fit"]().to_html(title="<script>alert(1)</script> & more")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page


def test_a_long_history_is_cut_in_the_middle():
    result = optkit.minimize(rosenbrock, np.zeros(40), method="bfgs")
    assert result.nit > 80
    page = result.to_html()
    rows = re.findall(r'<tr><td class="number">([\d,⋮]+)</td>', page)
    assert rows[0] == "0"
    assert rows[-1] == str(result.nit)
    assert rows.count("⋮") == 1


def test_a_history_without_a_finite_value_has_no_picture():
    result = PAGES["fit"]()
    empty = optkit.History()
    broken = type(result)({**result, "history": empty})
    assert "nothing to draw" in broken.to_html()


def test_the_page_is_white_whatever_the_users_style():
    result = PAGES["fit"]()
    plain = result.to_html()
    with plt.style.context("dark_background"):
        dark = result.to_html()

    def fills(page):
        return set(re.findall(r"fill: (#[0-9a-f]{6})", page))

    assert fills(dark) == fills(plain)


def test_what_is_no_result_is_refused():
    with pytest.raises(InvalidTypeError, match="got float"):
        optkit.html_report(3.0)


@needs_browser
@pytest.mark.parametrize("name", ["fit", "many variables", "failure"])
def test_a_browser_shows_it_without_complaint(name, tmp_path):
    result = PAGES[name]()
    result.to_html(tmp_path / "report.html")
    picture = tmp_path / "screen.png"
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1000,1400", f"--screenshot={picture}",
        (tmp_path / "report.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "CONSOLE" not in done.stderr
    pixels = matplotlib.image.imread(picture)[..., :3]
    assert pixels.shape[:2] == (1400, 1000)
    # The verdict's bar, and the lines of the pictures in Okabe and Ito's blue.
    bar = (0x00, 0x9E, 0x73) if result.success else (0xD5, 0x5E, 0x00)
    assert pixel_count(pixels, (0x00, 0x72, 0xB2)) > 200
    assert pixel_count(pixels, bar) > 100


def pixel_count(pixels, color):
    return int(np.sum(np.all(np.abs(pixels - np.array(color) / 255) < 0.02, axis=-1)))


@needs_browser
def test_a_browser_that_complains_is_noticed(tmp_path):
    """The check above would see an error: a page with a broken script has one on its console."""
    (tmp_path / "broken.html").write_text("<script>nowhere.to.be.found</script>", encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--enable-logging=stderr",
        f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={tmp_path / 'screen.png'}",
        (tmp_path / "broken.html").as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "CONSOLE" in done.stderr
