package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.LibrettoException;
import dev.libretto.Rounding;
import dev.libretto.cli.CliResult;
import dev.libretto.text.Corpus;
import dev.libretto.text.Ids;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.Evaluator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs of every earlier format are read and resumed; each test resource is a run of two epochs. */
class OldRunsTest {
    private static final String RUNS = "src/test/resources/dev/libretto/run/format-1";

    @TempDir
    private Path folder;

    private Path copy(String cell) throws IOException {
        Path from = Path.of(RUNS, cell);
        try (Stream<Path> tree = Files.walk(from)) {
            for (Path path : tree.toList()) {
                Files.copy(path, folder.resolve(cell).resolve(from.relativize(path)));
            }
        }
        return folder.resolve(cell);
    }

    /**
     * The losses before the format changed, with six decimals: means of terms up to 5, each a logarithm of a sum over V = 92
     * logits after at most 59 time steps of 2 layers.
     */
    @Tag("numeric")
    @ParameterizedTest
    @CsvSource({"rnn, 4.489293", "gru, 4.497483", "gru-reset-before, 4.499251", "lstm, 4.502977"})
    void oldRunPredictsAsItDid(String cell, double loss) throws IOException {
        RunDirectory run = RunDirectory.open(copy(cell));
        Corpus corpus = Corpus.builtIn(run.config().corpus().options());
        Ids heldOut = run.vocabulary().encode(corpus).slice(240, 300);
        Checkpoint newest = run.newest(OldRunsTest::noWarning);
        double tolerance = 5 * Rounding.ofLogits(run.config().model(), 59) + 5e-7;
        try (Evaluator evaluator = new Evaluator(run.config().model(), newest.weights())) {
            assertThat(run.config().model().cell()).hasToString(cell);
            assertThat(newest.progress().epoch()).isEqualTo(2);
            assertThat(evaluator.evaluate(heldOut).loss()).isCloseTo(loss, within(tolerance));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"rnn", "gru", "gru-reset-before", "lstm"})
    void oldRunIsResumedAndWrittenInTheNewFormat(String cell) throws IOException {
        Path run = copy(cell);
        List<String> before = Files.readAllLines(run.resolve("metrics.csv"));
        CliResult ended = CliResult.of(folder.resolve("runs"), "train", "--resume", run.toString(), "--epochs", "3");
        assertThat(ended.exitCode()).as(ended.err()).isZero();

        List<String> after = Files.readAllLines(run.resolve("metrics.csv"));
        assertThat(after.subList(0, 3)).isEqualTo(before);
        assertThat(after).hasSize(4);
        assertThat(run.resolve("config.json")).content().startsWith("{\n  \"format\" : 2,\n  \"libretto\" : \"");
        assertThat(RunDirectory.open(run).newestProgress(OldRunsTest::noWarning).epoch())
                .isEqualTo(3);
    }

    @Test
    void newerFormatIsRefusedByVersion() throws IOException {
        Path run = copy("rnn");
        Path config = run.resolve("config.json");
        Files.writeString(config, "{ \"format\" : 3, \"libretto\" : \"9.1.0\", \"texts\" : [] }");
        assertThatThrownBy(() -> RunDirectory.open(run))
                .isInstanceOf(LibrettoException.class)
                .hasMessageStartingWith(config + " was written by Libretto 9.1.0 in format 3; this is Libretto ")
                .hasMessageEndingWith(", which reads formats up to 2; use a newer version");
        assertThatThrownBy(() -> RunDirectory.requireWritable(run, true)).hasMessageContaining("it is not replaced");
    }

    private static void noWarning(String warning) {
        throw new AssertionError(warning);
    }
}
