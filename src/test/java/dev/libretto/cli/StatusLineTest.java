package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The status line on a terminal of 40 columns. */
class StatusLineTest {
    private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();
    private final StatusLine line = new StatusLine(terminal, () -> true, () -> 40);
    private final PrintStream text = new PrintStream(line.above(terminal), true, UTF_8);

    @Test
    void textGoesAboveTheStatusLine() {
        text.print("before\n");
        line.accept("10%");
        line.accept("20%");
        text.print("epoch 50\n - 分开\n");
        line.accept("30%");
        assertThat(screen()).containsExactly("before", "epoch 50", " - 分开", "30%");
    }

    @Test
    void statusLineIsErasedWhenDone() {
        line.accept("a longer line");
        line.accept("short");
        assertThat(screen()).containsExactly("short");
        line.close();
        text.print("after\n");
        assertThat(screen()).containsExactly("after");
    }

    @Test
    void nothingIsShownAfterEnd() {
        line.accept("10%");
        line.end();
        line.accept("20%");
        assertThat(screen()).isEmpty();
    }

    @Test
    void statusLineWaitsForTheEndOfALine() {
        text.print("loss: ");
        line.accept("10%");
        text.print("0.5\n");
        line.accept("20%");
        assertThat(screen()).containsExactly("loss: 0.5", "20%");
    }

    @Test
    void quickWorkShowsNothing() {
        WorkBar bar = new WorkBar(line, "training");
        bar.at(1, 100, () -> "not yet");
        assertThat(terminal.size()).isZero();
        bar.close();
        assertThat(terminal.size()).isZero();
        assertThat(line.getMaxRenderedLength()).isEqualTo(37);
    }

    /** TensorFlow can prepare a graph for minutes without reporting progress. */
    @Test
    void workWithoutProgressShowsElapsedTime() throws InterruptedException {
        try (WorkBar bar = new WorkBar(line, "preparing", Duration.ZERO)) {
            awaitScreen("preparing");
            bar.at(3, 4, () -> " batches");
            awaitScreen("75%");
        }
        assertThat(screen()).isEmpty();
    }

    private void awaitScreen(String expected) throws InterruptedException {
        while (screen().stream().noneMatch(row -> row.contains(expected))) {
            Thread.sleep(10);
        }
    }

    /** Returns the lines on the screen. */
    private List<String> screen() {
        List<String> screen = new ArrayList<>();
        for (String row : terminal.toString(UTF_8).split("\n", -1)) {
            StringBuilder shown = new StringBuilder();
            for (String drawn : row.split("\r", -1)) {
                if (drawn.startsWith("\u001b[K")) {
                    shown = new StringBuilder(drawn.substring(3));
                } else {
                    shown.replace(0, Math.min(shown.length(), drawn.length()), drawn);
                }
            }
            screen.add(shown.toString());
        }
        screen.removeIf(String::isEmpty);
        return screen;
    }
}
