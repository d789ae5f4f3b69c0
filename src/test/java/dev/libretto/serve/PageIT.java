package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.cli.CliResult;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.run.RunDirectory.Which;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.logging.Level;
import java.util.stream.IntStream;
import org.apache.commons.io.FileUtils;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** Uses the page as a reader would, in headless Chromium. */
class PageIT {
    private static final File CHROMIUM = new File("/usr/bin/chromium");
    private static final File DRIVER = new File("/usr/bin/chromedriver");
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final Duration POLL = Duration.ofMillis(20);

    /** Ends the script that holds the data of an exported page, and then an attribute and a comment, if nothing is escaped. */
    private static final String HOSTILE =
            "</script><img src=x onerror=\"window.hacked=1\"><!--'\"&lt;<svg onload=hacked=1>";

    /** Another checker of WCAG, {@code npm ci} in src/test/node. */
    private static final Path AXE = Path.of("src/test/node/node_modules/axe-core/axe.min.js");

    private static final String KEY = "secret";

    @TempDir
    private static Path folder;

    private static ModelServer server;
    private static ChromeDriver browser;

    private static List<String> trainLine(String name, int epochs, String... more) {
        String line = "train --device cpu --cell lstm --hidden-size 8 --layers 2 --seq-length 10 --batch-size 4"
                + " --max-chars 600 --report-every 2 --length 5 --epochs " + epochs + " --run";
        List<String> words = new ArrayList<>(List.of(line.split(" ")));
        words.add(folder.resolve("runs/" + name).toString());
        words.addAll(List.of(more));
        return words;
    }

    private static void train(String name, int epochs, String... more) {
        CliResult result = CliResult.of(
                folder.resolve("latest"), trainLine(name, epochs, more).toArray(String[]::new));
        assertThat(result.exitCode()).as(result.err()).isZero();
    }

    @BeforeAll
    static void start() throws IOException {
        Assumptions.assumeTrue(
                CHROMIUM.exists() && DRIVER.exists(),
                "the page is not tested: there is no " + CHROMIUM + " with " + DRIVER
                        + "; apt install chromium chromium-driver");
        train("one", 4);
        train("two", 4, "--validation-fraction", "0.2");
        server = serve(Optional.empty());
        ChromeOptions options = new ChromeOptions();
        options.setBinary(CHROMIUM);
        options.addArguments(
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900");
        options.setExperimentalOption(
                "prefs",
                Map.of("download.default_directory", folder.resolve("saved").toString()));
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        options.setCapability("goog:loggingPrefs", logs);
        // Else Selenium would look for one on the network.
        System.setProperty("webdriver.chrome.driver", DRIVER.getPath());
        browser = new ChromeDriver(options);
    }

    private static ModelServer serve(Optional<ApiKeys> keys) throws IOException {
        return ModelServer.start(
                List.of(folder.resolve("runs/one"), folder.resolve("runs/two")),
                Which.BEST,
                Choice.CPU,
                new ServeConfig(
                        Optional.of(folder.resolve("runs")),
                        new HostAddress("127.0.0.1", 0),
                        keys,
                        new Limits(16, 64, 1 << 20, 100_000, 100_000, 1 << 30, 64, Duration.ofSeconds(30)),
                        1 << 24,
                        false),
                message -> {});
    }

    @AfterAll
    static void stop() {
        if (browser != null) {
            browser.quit();
        }
        if (server != null) {
            server.close();
        }
    }

    @BeforeEach
    void openEmpty() {
        browser.manage().window().setSize(new Dimension(1200, 900));
        open("write");
        run("sessionStorage.clear(); localStorage.clear()");
        open("write");
        waitFor("models", "return document.getElementById('model').options.length === 2");
    }

    @AfterEach
    void browserFoundNothingWrong() {
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll()).isEmpty();
        assertThat(run("return window.hacked")).isNull();
    }

    private static void open(String view) {
        open(server, view);
    }

    private static void open(ModelServer from, String view) {
        browser.get("about:blank");
        browser.get("http://" + from.address() + "/#" + view);
    }

    private static Object run(String script, Object... arguments) {
        return browser.executeScript(script, arguments);
    }

    private static void waitFor(String what, String condition) {
        waitFor(what, () -> run(condition).equals(true));
    }

    private static void waitFor(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what + " did not appear").isLessThan(end);
            LockSupport.parkNanos(POLL.toNanos());
        }
    }

    private static WebElement find(String selector) {
        return browser.findElement(By.cssSelector(selector));
    }

    private static String text(String selector) {
        return find(selector).getText();
    }

    private static String written() {
        return find("#text").getDomProperty("value");
    }

    private static void set(String setting, String value) {
        run(
                "const input = document.querySelector(`[name=${arguments[0]}]`); input.value = arguments[1];"
                        + "input.dispatchEvent(new Event('input'))",
                setting,
                value);
    }

    private static void waitUntilWritten() {
        waitFor("the end", "return !document.getElementById('continue').disabled");
    }

    @Test
    void themeIsTheSystemsUntilOneIsChosen() {
        String background = "return getComputedStyle(document.body).backgroundColor";
        Object light = run(background);
        assertThat(run("return document.documentElement.dataset.theme")).isEqualTo("light");
        find("#theme").click();
        Object dark = run(background);
        assertThat(dark).isNotEqualTo(light);
        open("runs");
        assertThat(run(background)).isEqualTo(dark);
        find("#theme").click();
        assertThat(run(background)).isEqualTo(light);
    }

    @Test
    void textIsContinuedWhileOneWatches() {
        find("#text").sendKeys("四点");
        set("length", "2000");
        run("""
                window.lengths = new Set();
                const watch = () => { lengths.add(document.getElementById('text').value.length); requestAnimationFrame(watch); };
                watch();
                """);
        find("#text").sendKeys(Keys.chord(Keys.CONTROL, Keys.ENTER));
        waitFor("2,000 characters", "return document.getElementById('text').value.length === 2002");
        waitUntilWritten();

        assertThat(written()).startsWith("四点");
        assertThat((Long) run("return lengths.size"))
                .as("states seen, with the first and the last")
                .isGreaterThan(2);
        assertThat(text("#write-status")).contains("2,000 characters");
        assertThat(browser.findElements(By.cssSelector("#backdrop span"))).hasSize(2000);
        assertThat((Long) run(
                        "return new Set([...document.querySelectorAll('#backdrop span')].map(s => s.className)).size"))
                .as("shades")
                .isGreaterThan(2);
    }

    @Test
    void characterUnderThePointerShowsTheLikeliestOthers() {
        find("#text").sendKeys("四点");
        set("length", "30");
        find("#continue").click();
        waitUntilWritten();

        WebElement span = browser.findElements(By.cssSelector("#backdrop span")).get(7);
        new Actions(browser).moveToElement(span).perform();

        String character = written().substring(9, 10);
        assertThat(browser.findElements(By.cssSelector("#write-detail .others li")))
                .hasSizeBetween(5, 6);
        assertThat(text("#write-detail .detail-head")).contains("% likely", "bits");
        assertThat((String) run("return document.querySelector('#write-detail .own .other').textContent"))
                .contains(character.isBlank() ? "space" : character);
    }

    /** A screen reader says what a live region says: the text as a whole, not each character. */
    @Test
    void writtenTextIsSpokenOnce() {
        find("#text").sendKeys("四点");
        set("length", "300");
        run("""
                window.spoken = [];
                document.querySelectorAll('[aria-live], [role=status], output').forEach(region =>
                    new MutationObserver(() => spoken.push(region.textContent)).observe(region, {childList: true, characterData: true, subtree: true}));
                """);
        find("#continue").click();
        waitUntilWritten();
        List<?> spoken = (List<?>) run("return spoken");
        assertThat(spoken).hasSize(3).asString().contains("Writing, ", written().substring(2));
        assertThat(run("return document.getElementById('written').lang")).isEqualTo("zh");
    }

    @Test
    void everyControlHasANameAlsoForAScreenReader() {
        inspect("四点 空的");
        run("document.querySelectorAll('#inspection [name=colour]')[1].click()");
        find("#tab-runs").click();
        waitFor("texts", "return document.querySelector('.run-detail .report input') !== null");
        for (String view : List.of("write", "inspect", "runs")) {
            find("#tab-" + view).click();
            assertThat(browser.findElements(
                            By.cssSelector("button, input, select, textarea, canvas:not([aria-hidden])")))
                    .filteredOn(WebElement::isDisplayed)
                    .hasSizeGreaterThan(3)
                    .allSatisfy(control -> assertThat(control.getAccessibleName())
                            .as(control.getDomProperty("outerHTML"))
                            .isNotBlank());
        }
    }

    @Test
    void oneOfSeveralContinuationsIsAcceptedEditedAndUndone() {
        find("#text").sendKeys("你");
        set("length", "25");
        set("n", "3");
        set("temperature", "1.5");
        find("#continue").click();
        waitUntilWritten();
        List<WebElement> cards = browser.findElements(By.cssSelector("#continuations article"));
        List<String> texts = cards.stream()
                .map(card -> card.findElement(By.cssSelector(".characters")).getDomProperty("textContent"))
                .toList();
        assertThat(texts)
                .doesNotHaveDuplicates()
                .allSatisfy(text -> assertThat(text).hasSize(25));
        assertThat(written()).isEqualTo("你");

        cards.get(1).findElement(By.cssSelector("button")).click();
        assertThat(written()).isEqualTo("你" + texts.get(1));
        assertThat(browser.findElements(By.cssSelector("#continuations article")))
                .isEmpty();
        find("#text").sendKeys(Keys.chord(Keys.CONTROL, Keys.HOME), "你");
        assertThat(browser.findElements(By.cssSelector("#backdrop span")))
                .as("what was written stays shaded")
                .hasSize(25);
        find("#undo").click();
        assertThat(written()).isEqualTo("你" + texts.get(1));
        find("#undo").click();
        assertThat(written()).isEqualTo("你");
        find("#redo").click();
        assertThat(written()).isEqualTo("你" + texts.get(1));

        set("n", "1");
        find("#continue").click();
        waitUntilWritten();
        assertThat(written()).startsWith("你" + texts.get(1)).hasSize(51);
    }

    @Test
    void sameSeedWritesTheSameText() {
        set("seed", "7");
        set("length", "20");
        find("#text").sendKeys("四点");
        find("#continue").click();
        waitUntilWritten();
        String first = written();
        find("#undo").click();
        find("#continue").click();
        waitUntilWritten();
        assertThat(written()).isEqualTo(first).hasSize(22);
    }

    @Test
    void stoppedTextCanBeContinued() {
        find("#text").sendKeys("四点");
        set("length", "90000");
        tabTo("#continue");
        browser.switchTo().activeElement().sendKeys(Keys.ENTER);
        waitFor("some text", "return document.getElementById('text').value.length > 20");
        assertThat(browser.switchTo().activeElement().getDomProperty("id")).isEqualTo("stop");
        new Actions(browser).sendKeys(Keys.ESCAPE).perform();
        waitUntilWritten();
        assertThat(text("#write-status")).startsWith("Stopped");
        int length = written().length();
        set("length", "10");
        find("#continue").click();
        waitUntilWritten();
        assertThat(written()).hasSize(length + 10);
    }

    /** Keys that belong to an input method, as one for Chinese, do nothing else. */
    @Test
    void textIsComposedByAnInputMethod() {
        find("#text").sendKeys("四");
        compose("ni");
        assertThat(written()).isEqualTo("四ni");
        for (String selector : List.of("#text", "[name=stop]")) {
            run(
                    "document.querySelector(arguments[0]).dispatchEvent(new KeyboardEvent('keydown',"
                            + " {key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true}))",
                    selector);
        }
        compose("nih");
        browser.executeCdpCommand("Input.insertText", Map.of("text", "你"));
        assertThat(written()).isEqualTo("四你");
        assertThat(text("#write-status")).isEmpty();
        find("#undo").click();
        assertThat(written()).isEmpty();
    }

    private static void compose(String text) {
        browser.executeCdpCommand(
                "Input.imeSetComposition",
                Map.of("text", text, "selectionStart", text.length(), "selectionEnd", text.length()));
    }

    @Test
    void pageWorksWhereTheBrowserKeepsNothing() {
        Object script = browser.executeCdpCommand(
                        "Page.addScriptToEvaluateOnNewDocument",
                        Map.of(
                                "source",
                                "for (const name of ['sessionStorage', 'localStorage']) Object.defineProperty(window, name,"
                                        + " {get() { throw new DOMException('blocked', 'SecurityError'); }})"))
                .get("identifier");
        try {
            open("write");
            waitFor("models", "return document.getElementById('model').options.length === 2");
            set("length", "9");
            find("#text").sendKeys("四点");
            find("#continue").click();
            waitUntilWritten();
            assertThat(written()).hasSize(11);
        } finally {
            browser.executeCdpCommand("Page.removeScriptToEvaluateOnNewDocument", Map.of("identifier", script));
        }
    }

    @Test
    void mistakeIsSaidInPlainWords() {
        find("#text").sendKeys("Ω");
        find("#continue").click();
        waitUntilWritten();
        assertThat(text("#problem")).contains("Ω").doesNotContain("{");
        assertThat(written()).isEqualTo("Ω");
        // Chromium logs the status of the answer.
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll())
                .allSatisfy(entry -> assertThat(entry.getMessage()).contains("400"));
    }

    private static void inspect(String given) {
        open("inspect");
        waitFor("models", "return document.getElementById('model').options.length === 2");
        run("document.getElementById('inspect-text').value = arguments[0]", given);
        find("#read").click();
        waitFor("the text", "return document.querySelectorAll('#inspection .characters span').length > 0");
    }

    @Test
    void textIsReadOnceAtATime() {
        open("inspect");
        waitFor("models", "return document.getElementById('model').options.length === 2");
        find("#inspect-text").sendKeys("四点");
        run("""
                for (let i = 0; i < 5; i++) {
                  document.getElementById('inspect-text').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', ctrlKey: true}));
                }
                """);
        waitFor("the text", "return document.querySelectorAll('#inspection .characters span').length > 0");
        assertThat(
                        run(
                                "return performance.getEntriesByType('resource').filter(e => e.name.endsWith('/v1/inspect')).length"))
                .isEqualTo(1L);
    }

    @Test
    void textIsColouredByTheActivationOfAUnit() {
        inspect("四点 空的天");
        String surprise = (String) run("return document.querySelector('#inspection .characters').innerHTML");
        assertThat(surprise).contains("class=\"s");

        run("document.querySelectorAll('#inspection [name=colour]')[2].click()");
        assertThat(text(".unit-name")).contains("1 of 8", "tanh(c)");
        WebElement slider = find(".unit-slider");
        String first = (String) run("return document.querySelector('#inspection .characters').innerHTML");
        assertThat(first).isNotEqualTo(surprise).containsPattern("class=\"[np]\\d");
        slider.sendKeys(Keys.ARROW_RIGHT);
        assertThat(text(".unit-name")).contains("2 of 8");
        assertThat((String) run("return document.querySelector('#inspection .characters').innerHTML"))
                .isNotEqualTo(first);
        slider.sendKeys(Keys.END);
        assertThat(text(".unit-name")).contains("8 of 8");
        List<Double> deviations = IntStream.range(0, 8)
                .mapToObj(i -> {
                    run(
                            "const s = document.querySelector('.unit-slider'); s.value = arguments[0];"
                                    + "s.dispatchEvent(new Event('input'))",
                            i);
                    return Double.valueOf(text(".unit-name").replaceFirst(".*deviation ", ""));
                })
                .toList();
        assertThat(deviations).isSortedAccordingTo(java.util.Comparator.reverseOrder());

        find("#inspection summary").click();
        waitFor("the table", "return document.querySelectorAll('#inspection tbody tr').length === 6");
    }

    @Test
    void hostileTextIsHarmlessAlsoInASavedPage() throws IOException {
        find("#text").sendKeys(HOSTILE);
        inspect(HOSTILE);
        assertThat(run("return document.querySelector('#inspection .characters').textContent"))
                .isEqualTo(HOSTILE);
        assertThat(browser.findElements(By.cssSelector("img, svg"))).isEmpty();

        openSavedPage();
        assertThat(run("return document.querySelector('.characters').textContent"))
                .isEqualTo(HOSTILE);
        assertThat(browser.findElements(By.cssSelector("img, svg"))).isEmpty();
        run("document.querySelectorAll('[name=colour]')[1].click()");
        assertThat(text(".unit-name")).contains("1 of 8");
        assertThat(run("return performance.getEntriesByType('resource').length"))
                .as("other files")
                .isEqualTo(0L);
    }

    /** Saves what is shown as a page, and opens the file. */
    private static void openSavedPage() throws IOException {
        Files.createDirectories(folder.resolve("saved"));
        Path page = folder.resolve("saved/one.html");
        Files.deleteIfExists(page);
        find("#export-html").click();
        waitFor("the saved page", () -> Files.exists(page));
        browser.get(page.toUri().toString());
        waitFor("the text", "return document.querySelectorAll('.characters span').length > 0");
    }

    private static void openRuns() {
        open("runs");
        waitFor("the chart", "return document.querySelector('.chart canvas') !== null");
    }

    @Test
    void curvesAreCompared() {
        openRuns();
        waitFor("three curves", "return document.querySelectorAll('.chart .u-series').length === 4");
        assertThat(text(".chart .u-legend")).contains("one", "two", "two, training");
        assertThat(text(".run-detail"))
                .contains("Parameters", "built-in lyrics, 600 characters", "Texts at each report");

        new Actions(browser)
                .moveToElement(find(".chart .u-over"), -100, 0)
                .clickAndHold()
                .moveByOffset(200, 0)
                .release()
                .perform();
        assertThat(find("[aria-label='Whole curve']").isEnabled()).as("zoomed").isTrue();
        find("[aria-label='Whole curve']").click();
        assertThat(find("[aria-label='Whole curve']").isEnabled()).isFalse();
        run("document.querySelectorAll('[name=axis]')[1].click()");
        waitFor("time", "return document.querySelector('.chart .u-legend').textContent.includes('time')");
        run("document.querySelectorAll('[name=scale]')[1].click()");
        find("[data-key='box two']").click();
        waitFor("one curve", "return document.querySelectorAll('.chart .u-series').length === 2");

        find("[data-key='open one']").click();
        waitFor("the other run", "return document.querySelector('.run-detail h2').textContent === 'one'");
        waitFor("its report", "return document.querySelector('.run-detail .report input') !== null");
        WebElement report = find(".report input");
        report.sendKeys(Keys.HOME);
        assertThat(text(".report .epoch span")).isEqualTo("epoch 2");
    }

    /** The curves have four epochs; the smallest range is two epochs wide. */
    @Test
    void curvesAreZoomedWithKeysTheWheelAndButtons() {
        openRuns();
        tabTo(".chart");
        WebElement chart = browser.switchTo().activeElement();
        chart.sendKeys("+");
        waitForRange("Epochs 2 to 3");
        assertThat(epochAtTheLeft()).isEqualTo("2");
        assertThat(find("[aria-label='Zoom in']").isEnabled()).isFalse();
        chart.sendKeys(Keys.ARROW_RIGHT);
        waitForRange("Epochs 2 to 4");
        chart.sendKeys(Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT, Keys.ARROW_LEFT);
        waitForRange("Epochs 1 to 3");
        for (String whole : List.of("-", "0", Keys.ESCAPE.toString())) {
            chart.sendKeys(whole);
            waitForRange("The whole curve");
            assertThat(epochAtTheLeft()).isEqualTo("1");
            chart.sendKeys("+");
            waitForRange("Epochs 2 to 3");
        }

        find("[aria-label='Zoom out']").sendKeys(Keys.ENTER);
        waitForRange("The whole curve");
        assertThat(run("return document.activeElement.className"))
                .as("focus, after the button was disabled")
                .isEqualTo("paper chart");
        find("[aria-label='Zoom in']").sendKeys(Keys.ENTER);
        waitForRange("Epochs 2 to 3");
        find("[aria-label='Whole curve']").sendKeys(Keys.ENTER);
        waitForRange("The whole curve");

        String turn = """
                const over = document.querySelector('.chart .u-over');
                const wheel = new WheelEvent('wheel', {deltaY: -100, ctrlKey: arguments[0], bubbles: true, cancelable: true,
                    clientX: over.getBoundingClientRect().left});
                over.dispatchEvent(wheel);
                return wheel.defaultPrevented;
                """;
        assertThat(run(turn, false)).as("scrolls the page").isEqualTo(false);
        assertThat(run(turn, true)).isEqualTo(true);
        waitForRange("Epochs 1 to 3");

        chart.sendKeys("0");
        waitForRange("The whole curve");
        // Halfway between the second epoch and the third.
        new Actions(browser)
                .moveToElement(find(".chart .u-over"), -10, 0)
                .clickAndHold()
                .moveByOffset(20, 0)
                .release()
                .perform();
        chart.sendKeys(Keys.ARROW_RIGHT);
        waitForRange("Epochs 2 to 3");
    }

    private static void waitForRange(String range) {
        waitFor(range, () -> range.equals(run("return document.querySelector('#runs-view [aria-live]').textContent")));
    }

    /** Returns the epoch that the chart names under the pointer. */
    private static String epochAtTheLeft() {
        WebElement over = find(".chart .u-over");
        new Actions(browser)
                .moveToElement(over, 0, 0)
                .moveToElement(over, 1 - over.getSize().width / 2, 0)
                .perform();
        return text(".chart .u-legend .u-value");
    }

    /** The form has no fields of the API. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "四Ω点 | 1 | The model does not know 'Ω' (U+03A9), character 2; remove it.",
                "''   | 1 | The text is empty; this model needs at least one character.",
                "四点  | 2 | Length × continuations is 180,000, but this server allows at most 100,000; ask for less."
            })
    void mistakesAreSaidInThePagesWords(String text, String continuations, String message) {
        find("#text").sendKeys(text);
        set("length", "90000");
        set("n", continuations);
        find("#continue").click();
        waitFor("the problem", () -> find("#problem").isDisplayed());
        assertThat(text("#problem")).isEqualTo(message);
        assertThat(browser.manage().logs().get(LogType.BROWSER).getAll())
                .as("Chromium logs the status")
                .singleElement()
                .asString()
                .contains("400");
    }

    /** Returns the last epoch of the curves, as their table says. */
    private static int lastEpoch() {
        return Integer.parseInt(
                (String) run("return document.querySelector('.chart ~ div tbody tr:last-child td').textContent"));
    }

    @Test
    void trainingOfAnotherProcessAppearsByItselfAndIsFollowed() throws Exception {
        String name = "<img src=x onerror=hacked=1>";
        openRuns();
        List<String> words =
                new ArrayList<>(List.of(Path.of("libretto").toAbsolutePath().toString()));
        words.addAll(trainLine(name, 1_000_000, "--checkpoint-every", "5"));
        Process training = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("training.log").toFile())
                .start();
        try {
            waitFor(
                    "its curve",
                    "return [...document.querySelectorAll('.chart .u-legend .u-label')].some(l => l.textContent.startsWith('<img'))");
            int first = lastEpoch();
            waitFor("more of its curve", () -> lastEpoch() > first);
            assertThat(text(".state.training")).isEqualTo("training");
            assertThat(training.isAlive()).isTrue();
        } finally {
            training.destroy();
            training.waitFor();
        }
        waitFor("the end", "return document.querySelector('.state.training') === null");
        assertThat(browser.findElements(By.cssSelector("img"))).isEmpty();

        FileUtils.deleteDirectory(folder.resolve("runs/" + name).toFile());
        waitFor("two runs", "return document.querySelectorAll('.runs-table tbody tr').length === 2");
    }

    /** Presses Tab until an element has the focus. */
    private static void tabTo(String selector) {
        for (int i = 0; i < 40; i++) {
            if (run("return document.activeElement.matches(arguments[0])", selector)
                    .equals(true)) {
                return;
            }
            browser.switchTo().activeElement().sendKeys(Keys.TAB);
        }
        throw new AssertionError("Tab does not lead to " + selector);
    }

    @Test
    void keyboardAloneIsEnough() {
        tabTo("#text");
        browser.switchTo().activeElement().sendKeys("四点");
        tabTo("[name=length]");
        browser.switchTo().activeElement().sendKeys(Keys.chord(Keys.CONTROL, "a"), "12", Keys.ENTER);
        waitFor("12 characters", "return document.getElementById('text').value.length === 14");
        waitUntilWritten();
        assertThat(browser.switchTo().activeElement().getDomProperty("id")).isEqualTo("text");
        browser.switchTo().activeElement().sendKeys(Keys.ARROW_LEFT, Keys.ARROW_LEFT);
        assertThat(browser.findElements(By.cssSelector("#write-detail .others li")))
                .isNotEmpty();

        open("write");
        tabTo("#tab-write");
        browser.switchTo().activeElement().sendKeys(Keys.ARROW_RIGHT);
        assertThat(find("#inspect").isDisplayed()).isTrue();
        tabTo("#inspect-text");
        browser.switchTo().activeElement().sendKeys("四点 空的", Keys.chord(Keys.CONTROL, Keys.ENTER));
        waitFor("the text", "return document.activeElement.matches('#inspection .characters')");
        browser.switchTo().activeElement().sendKeys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT);
        assertThat(text("#inspection .detail-head")).contains("space");
        browser.switchTo().activeElement().sendKeys(Keys.END);
        assertThat(text("#inspection .detail-head")).contains("的");
    }

    @Test
    void phoneShowsWhatIsKnownAboutACharacterOfALongText() {
        inspect("四点 空的".repeat(300));
        onPhone(() -> {
            for (int line = 0; line < 30; line++) {
                find("#inspection .characters").sendKeys(Keys.ARROW_DOWN);
            }
            assertThat(run("""
                    const character = document.querySelector('#inspection .current').getBoundingClientRect();
                    const detail = document.querySelector('#inspection .detail').getBoundingClientRect();
                    return character.top >= 0 && character.bottom <= detail.top && detail.bottom <= innerHeight;
                    """)).isEqualTo(true);
        });
    }

    private static void onPhone(Runnable test) {
        browser.manage().window().setSize(new Dimension(500, 800));
        browser.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", 360, "height", 740, "deviceScaleFactor", 1, "mobile", true));
        try {
            test.run();
        } finally {
            browser.executeCdpCommand("Emulation.clearDeviceMetricsOverride", Map.of());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"write", "inspect", "runs"})
    void phoneShowsEverythingWithoutScrollingSideways(String view) {
        if (view.equals("inspect")) {
            inspect("四点 空的天");
            run("document.querySelectorAll('#inspection [name=colour]')[1].click()");
        } else if (view.equals("runs")) {
            openRuns();
            waitFor("texts", "return document.querySelector('.run-detail .report input') !== null");
        }
        onPhone(() -> {
            run("document.querySelectorAll('main summary').forEach(summary => summary.click())");
            // The curves are drawn again once the window has its size.
            waitFor("the width", "return document.documentElement.scrollWidth === 360");
            assertThat((List<?>) run("""
                    return [...document.querySelectorAll('main button, main input:not([type=checkbox], [type=radio]), summary, a[role=tab]')]
                        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 44).map(e => e.outerHTML)
                    """)).as("targets lower than 44 pixels").isEmpty();
        });
    }

    /** Returns what axe finds against WCAG 2.1, levels A and AA, of what is shown. */
    private static List<?> violations() throws IOException {
        run(Files.readString(AXE));
        return (List<?>) browser.executeAsyncScript("""
                const done = arguments[0];
                const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'];
                // Each character of a text is an element; its contrast counts, too.
                const checks = {'color-contrast': {options: {ignoreLength: true}}};
                axe.run({runOnly: rules, checks}).then(({violations}) => done(
                    violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.html}: ${node.failureSummary}`))));
                """);
    }

    @ParameterizedTest
    @ValueSource(strings = {"light", "dark"})
    void axeFindsNothingThatKeepsSomebodyOut(String theme) throws IOException {
        Assumptions.assumeTrue(
                Files.exists(AXE),
                "accessibility is not tested: axe-core is not installed; run npm ci in src/test/node");
        SoftAssertions found = new SoftAssertions();
        browser.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", theme))));
        try (ModelServer locked = serve(Optional.of(ApiKeys.of(List.of(KEY))))) {
            open("write");
            waitFor("models", "return document.getElementById('model').options.length === 2");
            assertThat(run("return document.documentElement.dataset.theme")).isEqualTo(theme);
            find("#text").sendKeys("四点");
            set("length", "30");
            set("temperature", "1.5");
            find("#continue").click();
            waitUntilWritten();
            find("#text").sendKeys(Keys.ARROW_LEFT, Keys.ARROW_LEFT);
            assertThat(browser.findElements(By.cssSelector("#write-detail .others li")))
                    .isNotEmpty();
            set("n", "2");
            find("#continue").click();
            waitUntilWritten();
            assertThat(browser.findElements(By.cssSelector("#continuations article")))
                    .hasSize(2);
            found.assertThat(violations()).as("Write").isEmpty();

            inspect("四点 空的\nΩ");
            find("#inspection summary").click();
            found.assertThat(violations()).as("Look inside, by surprise").isEmpty();
            run("document.querySelectorAll('#inspection [name=colour]')[1].click()");
            found.assertThat(violations()).as("Look inside, by unit").isEmpty();
            openSavedPage();
            assertThat(run("return document.documentElement.dataset.theme")).isEqualTo(theme);
            found.assertThat(violations()).as("a saved page, by surprise").isEmpty();
            run("document.querySelectorAll('[name=colour]')[1].click()");
            found.assertThat(violations()).as("a saved page, by unit").isEmpty();

            openRuns();
            waitFor("texts", "return document.querySelector('.run-detail .report input') !== null");
            run("document.querySelectorAll('#runs summary').forEach(summary => summary.click())");
            found.assertThat(violations()).as("Runs").isEmpty();

            open(locked, "write");
            waitFor("the key form", () -> find("#key-form").isDisplayed());
            found.assertThat(violations()).as("the key form").isEmpty();
            assertThat(refusals()).isPositive();
        } finally {
            browser.executeCdpCommand("Emulation.setEmulatedMedia", Map.of("features", List.of()));
        }
        found.assertAll();
    }

    /** Returns how many answers had status 401 since the last call; Chromium logs nothing else. */
    private static int refusals() {
        List<LogEntry> entries = browser.manage().logs().get(LogType.BROWSER).getAll();
        assertThat(entries).allSatisfy(entry -> assertThat(entry.getMessage()).contains("401"));
        return entries.size();
    }

    private static void enterKey(String key) {
        waitFor("the key form", () -> find("#key-form").isDisplayed());
        assertThat(browser.switchTo().activeElement().getDomProperty("id")).isEqualTo("key");
        browser.switchTo().activeElement().sendKeys(key, Keys.ENTER);
    }

    @Test
    void keyIsAskedForAndKeptUntilTheTabIsClosed() throws IOException {
        try (ModelServer locked = serve(Optional.of(ApiKeys.of(List.of(KEY))))) {
            open(locked, "write");
            enterKey("wrong");
            waitFor("a refusal", () -> text("#problem").contains("key") && refusals() > 0);
            enterKey(KEY);
            waitFor("models", "return document.getElementById('model').options.length === 2");
            assertThat(find("#key-form").isDisplayed()).isFalse();
            assertThat(find("#problem").isDisplayed()).isFalse();

            find("#text").sendKeys("四点");
            set("length", "9");
            find("#continue").click();
            waitUntilWritten();
            assertThat(written()).hasSize(11);
            find("#tab-inspect").click();
            find("#inspect-text").sendKeys("四点");
            find("#read").click();
            waitFor("the text", "return document.querySelectorAll('#inspection .characters span').length === 2");
            find("#tab-runs").click();
            waitFor("the chart", "return document.querySelector('.chart canvas') !== null");
            waitFor("texts", "return document.querySelector('.run-detail .report input') !== null");

            refusals();
            open(locked, "runs");
            waitFor("the chart", "return document.querySelector('.chart canvas') !== null");
            assertThat(refusals()).as("after a reload").isZero();
            assertThat(run("return JSON.stringify(localStorage) + document.cookie + location.href"))
                    .asString()
                    .doesNotContain(KEY);

            String tab = browser.getWindowHandle();
            browser.switchTo().newWindow(WindowType.TAB);
            try {
                open(locked, "inspect");
                waitFor("the key form", () -> find("#key-form").isDisplayed());
            } finally {
                browser.close();
                browser.switchTo().window(tab);
            }
            refusals();
        }
    }
}
