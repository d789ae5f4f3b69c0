package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Checks every mistake in {@code bad-input.txt}: its exit code, its one-line message, and that no file changes. With {@code
 * -Dlibretto.writeMessages=true} a message that has changed is written to the table instead.
 */
class BadInputTest {
    private static final Path TABLE = Path.of("src/test/resources/bad-input.txt");
    private static final Pattern WORD = Pattern.compile("'([^']*)'|(\\S+)");
    private static final Pattern NAMED = Pattern.compile("[@+]/([^/\\s']+)");

    @TempDir
    private static Path trained;

    @TempDir
    private Path folder;

    private String out;
    private String err;

    record Row(int exitCode, String line, String message) {
        static Row of(String row) {
            String[] columns = row.split(" *\\| *", 3);
            return new Row(Integer.parseInt(columns[0]), columns[1], columns[2]);
        }

        /** Returns the arguments; quoted ones may be empty or contain spaces. */
        List<String> words() {
            return WORD.matcher(line)
                    .results()
                    .map(word -> word.group(1) == null ? word.group(2) : word.group(1))
                    .filter(word -> !word.startsWith("+/"))
                    .map(String::translateEscapes)
                    .toList();
        }

        @Override
        public String toString() {
            return line;
        }
    }

    static Stream<Row> badInput() throws IOException {
        return Files.readAllLines(TABLE).stream()
                .filter(line -> !line.isBlank() && !line.startsWith("#"))
                .map(Row::of);
    }

    @BeforeAll
    static void train() throws IOException {
        train("run", BadFiles.TEXT, 4);
        train("other", BadFiles.TEXT.replace('q', 't'), 5);
        train("twin", BadFiles.TWIN, 4);
    }

    private static void train(String name, String text, int hiddenSize) throws IOException {
        Path corpus = Files.writeString(trained.resolve(name + ".txt"), text);
        String line = "train --corpus %s --run %s --hidden-size %d --seq-length 10 --batch-size 4 --epochs 2"
                + " --checkpoint-every 1 --length 1";
        BadInputTest test = new BadInputTest();
        test.folder = trained;
        int exitCode = test.run(
                String.format(line, corpus, trained.resolve(name), hiddenSize).split(" "));
        assertThat(exitCode).as(test.err).isZero();
    }

    @Test
    void undamagedRunWorks() throws IOException {
        try (BadRuns runs = new BadRuns(trained)) {
            runs.make(folder, "run");
        }
        assertThat(run("generate", "--run", inFolder("@/run"), "--prefix", "t")).isZero();
        assertThat(run("train", "--resume", inFolder("@/run"))).isZero();
    }

    @ParameterizedTest
    @MethodSource
    void badInput(Row row) throws IOException {
        try (BadRuns runs = new BadRuns(trained)) {
            Matcher named = NAMED.matcher(row.line());
            while (named.find()) {
                BadFiles.make(folder, named.group(1));
                runs.make(folder, named.group(1));
            }
            Map<String, String> before = Snapshot.of(folder);

            int exitCode = run(row.words().stream().map(this::inFolder).toArray(String[]::new));

            if (Boolean.getBoolean("libretto.writeMessages") && !err.contains(inFolder(row.message()))) {
                writeMessage(row);
                return;
            }
            assertThat(err).contains(inFolder(row.message())).hasLineCount(1).matches("[^\\p{Cntrl}]+\n");
            assertThat(err).doesNotContain("Exception", "Error:", "java.", "jackson", "Source:", "JsonToken", "`");
            assertThat(exitCode).isEqualTo(row.exitCode());
            assertThat(err.endsWith(" --help\")\n")).isEqualTo(exitCode == 2);
            assertThat(out).isEmpty();
            assertThat(Snapshot.of(folder)).isEqualTo(before);
        }
    }

    private void writeMessage(Row row) throws IOException {
        String message = err.replace(folder.toString(), "@")
                .strip()
                .replaceFirst("^libretto( [a-z]+)?: ", "")
                .replaceFirst(" \\(see \"[^\"]*--help\"\\)$", "");
        List<String> rows = Files.readAllLines(TABLE).stream()
                .map(line -> line.endsWith("| " + row.message()) && Row.of(line).equals(row)
                        ? line.substring(0, line.length() - row.message().length()) + message
                        : line)
                .toList();
        Files.write(TABLE, rows);
    }

    private String inFolder(String text) {
        return text.replace("@", folder.toString());
    }

    @Test
    void tableHasManyRowsWithoutDuplicates() throws IOException {
        assertThat(badInput().map(Row::line)).hasSizeGreaterThan(110).doesNotHaveDuplicates();
    }

    private int run(String... args) {
        CliResult result = CliResult.of(folder.resolve("runs"), args);
        out = result.out();
        err = result.err();
        return result.exitCode();
    }
}
