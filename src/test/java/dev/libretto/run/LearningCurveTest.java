package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.run.LearningCurve.Epoch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Reads {@code metrics.csv}. */
class LearningCurveTest {
    @TempDir
    private Path folder;

    @Test
    void readsTheRowsOfARun() throws IOException {
        TestRun.create(folder.resolve("two epochs"));
        LearningCurve curve = LearningCurve.read(folder.resolve("two epochs"));

        assertThat(curve.name()).isEqualTo("two epochs");
        assertThat(curve.epochs())
                .containsExactly(
                        new Epoch(1, Math.exp(5), Double.NaN, 0.25), new Epoch(2, Math.exp(2.5), Double.NaN, 0.25));
    }

    @Test
    void columnsAreFoundByName() throws IOException {
        LearningCurve curve = read("validation_perplexity,more,perplexity,epoch\n30,x,20,1\n25,x,10,2\n26,x,5,3\n");

        assertThat(curve.epochs())
                .containsExactly(
                        new Epoch(1, 20, 30, Double.NaN),
                        new Epoch(2, 10, 25, Double.NaN),
                        new Epoch(3, 5, 26, Double.NaN));
        assertThat(curve.best()).contains(new Epoch(2, 10, 25, Double.NaN));
    }

    @Test
    void withoutValidationLowestTrainingPerplexityIsBest() throws IOException {
        assertThat(read("epoch,perplexity\n1,20\n2,10\n3,11\n").best())
                .contains(new Epoch(2, 10, Double.NaN, Double.NaN));
        assertThat(read("epoch,perplexity,validation_perplexity\n1,20,\n2,30,\n")
                        .best())
                .contains(new Epoch(1, 20, Double.NaN, Double.NaN));
        assertThat(read("epoch,perplexity\n").best()).isEmpty();
    }

    @Test
    void incompleteLastLineIsSkipped() throws IOException {
        assertThat(read("epoch,perplexity\n1,20\n2,1").epochs())
                .containsExactly(new Epoch(1, 20, Double.NaN, Double.NaN));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "epoch,loss\n", "perplexity\n", "epoch,perplexity\n1\n", "epoch,perplexity\none,2\n"})
    void otherContentIsRejected(String content) {
        assertThatThrownBy(() -> read(content))
                .isInstanceOf(LibrettoException.class)
                .hasMessageStartingWith(folder.resolve("run/metrics.csv") + " is damaged: ");
    }

    private LearningCurve read(String metrics) throws IOException {
        Path run = Files.createDirectories(folder.resolve("run"));
        Files.writeString(run.resolve("metrics.csv"), metrics);
        return LearningCurve.read(run);
    }
}
