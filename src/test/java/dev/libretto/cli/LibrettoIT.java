package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.libretto.BigramModel;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Progress;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs the launcher as a process. */
class LibrettoIT {
    /** The CUDA build prints its device. */
    private static final String NOTHING_BUT_THE_DEVICE = "(device: [^\n]+\n)?";

    @TempDir
    private Path folder;

    /** Without options: the textbook run on the built-in lyrics. */
    @Test
    void textbookRunReachesExpectedPerplexity() throws Exception {
        CliResult train = run(Map.of(), "train");

        assertThat(train.exitCode()).isZero();
        List<String> reports =
                train.out().lines().filter(line -> line.startsWith("epoch")).toList();
        assertThat(reports).hasSize(5);
        assertThat(reports.get(4)).startsWith("epoch 250, perplexity ");
        double perplexity = Double.parseDouble(reports.get(4).split("[ ,]+")[3]);
        // The trajectory is chaotic, but whichever it is, the model learns more than which character follows which.
        Corpus lyrics = Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS));
        double bigrams = BigramModel.perplexity(Vocabulary.of(lyrics).encode(lyrics));
        assertThat(perplexity).isGreaterThanOrEqualTo(1).isLessThan(bigrams);
        assertThat(train.out().lines().filter(line -> line.startsWith(" - "))).hasSize(10);

        // stderr has only Libretto's messages.
        assertThat(train.err())
                .matches("corpus: built-in lyrics, 10,000 characters, 638 distinct\n"
                        + "batches: 8 per epoch, 32 rows of 35 time steps, consecutive sampling\n"
                        + "model: RNN, 256 hidden units, 393,086 parameters\n"
                        + "device: [^\n]+\n"
                        + "parts: [^\n]+\n"
                        + "memory: at least [0-9]+ MiB\n"
                        + "the run is in runs/[^\n]+; generate text with:\n"
                        + "  [^\n]+ generate --run runs/[^\n]+ --prefix 分开 --length 50\n");

        // The saved weights generate the last report, with the command printed at the end of training.
        String shown = train.err()
                .lines()
                .reduce((first, second) -> second)
                .orElseThrow()
                .strip();
        CliResult generate = start(Map.of(), List.of("bash", "-c", shown));
        assertThat(generate.err()).matches(NOTHING_BUT_THE_DEVICE);
        assertThat(train.out()).contains(" - " + generate.out());
    }

    /** Chinese arguments and output work in any locale. */
    @Test
    void textIsUtf8InAnyLocale() throws Exception {
        Map<String, String> ascii = Map.of("LC_ALL", "C", "LANG", "C");
        Files.writeString(folder.resolve("文.txt"), "分开不分开".repeat(50));
        CliResult train =
                run(ascii, "train", "--corpus", "文.txt", "--epochs", "2", "--batch-size", "2", "--seq-length", "5");

        assertThat(train.exitCode()).isZero();
        assertThat(train.err()).startsWith("corpus: 文.txt, 250 characters, 3 distinct\n");
        assertThat(run(ascii, "generate", "--prefix", "不分", "--length", "0").out())
                .isEqualTo("不分\n");
    }

    /**
     * Ctrl-C, {@code docker stop} and a closed terminal end training after the batch and save a checkpoint. A build in the
     * background ignores Ctrl-C, and so do its children; {@code env} undoes that.
     */
    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void signalSavesACheckpoint(String signal, int exitCode) throws Exception {
        Process process = process(
                        Map.of(),
                        List.of(
                                "env",
                                "--default-signal=INT,HUP",
                                Program.LAUNCHER,
                                "train",
                                "--report-every",
                                "1",
                                "--run",
                                "kept"))
                .start();
        List<String> out = new ArrayList<>();
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
            out.add(reader.readLine());
            Program.signal(process.pid(), signal);
            reader.lines().forEach(out::add);
        }
        String err = new String(process.getErrorStream().readAllBytes(), UTF_8);
        assertThat(process.waitFor()).isEqualTo(exitCode);

        long epochs = out.stream().filter(line -> line.startsWith("epoch")).count();
        assertThat(err)
                .contains("stopping after this batch")
                .contains("stopped in epoch " + (epochs + 1) + " of 250; progress is saved");
        Progress progress =
                RunDirectory.open(folder.resolve("kept")).newest(warning -> {}).progress();
        assertThat(progress.epoch()).isEqualTo((int) epochs);
        assertThat(progress.step()).isEqualTo(epochs * 8 + progress.batch());
        assertThat(Files.readAllLines(folder.resolve("kept/metrics.csv"))).hasSize((int) epochs + 1);
        assertThat(CliResult.of(folder.resolve("runs"), "generate", "--prefix", "分开")
                        .exitCode())
                .isZero();
    }

    /** At the textbook's sizes, where TensorFlow computes with several threads. */
    @Test
    void sameSeedGivesSameBits() throws Exception {
        for (String name : List.of("one", "two")) {
            assertThat(run(Map.of(), "train", "--epochs", "3", "--run", name).exitCode())
                    .isZero();
        }
        String weights = "checkpoints/step-00000024/weights.data-00000-of-00001";
        assertThat(folder.resolve("one").resolve(weights))
                .hasSameBinaryContentAs(folder.resolve("two").resolve(weights));
    }

    @Test
    void closedPipeEndsSilently() throws Exception {
        assertThat(CliResult.of(folder.resolve("runs"), "train", "--epochs", "1")
                        .exitCode())
                .isZero();
        String generate = Program.IN_BASH + " generate --prefix 分开 --length 1000000";

        CliResult piped = start(Map.of(), List.of("bash", "-c", generate + " | head -c 9; echo \" ${PIPESTATUS[0]}\""));
        assertThat(piped.out()).startsWith("分开").endsWith(" 0\n");
        assertThat(piped.err()).matches(NOTHING_BUT_THE_DEVICE);

        CliResult full = start(Map.of(), List.of("bash", "-c", generate + " > /dev/full"));
        assertThat(full.exitCode()).isEqualTo(1);
        assertThat(full.err()).endsWith("libretto generate: could not write the output: No space left on device\n");
    }

    /** The C library translates "Broken pipe". */
    @Test
    void closedPipeEndsSilentlyInChineseLocale() throws Exception {
        assumeTrue(Files.exists(Path.of("/usr/share/locale/zh_CN/LC_MESSAGES/libc.mo")));
        Path locale = folder.resolve("zh_CN.UTF-8");
        CliResult compiled = start(Map.of(), List.of("bash", "-c", "localedef -i zh_CN -f UTF-8 " + locale));
        assumeTrue(compiled.exitCode() == 0);
        Map<String, String> chinese = Map.of("LOCPATH", folder.toString(), "LC_ALL", "zh_CN.UTF-8");

        CliResult full = start(chinese, List.of("bash", "-c", Program.IN_BASH + " --help >/dev/full"));
        assertThat(full.err()).isEqualTo("libretto: could not write the output: 设备上没有空间\n");
        CliResult piped =
                start(chinese, List.of("bash", "-c", Program.IN_BASH + " --help | true; exit ${PIPESTATUS[0]}"));
        assertThat(piped.exitCode()).isZero();
        assertThat(piped.err()).isEmpty();
    }

    @Test
    void lostReportsFailOnceTheRunIsComplete() throws Exception {
        String train = Program.IN_BASH + " train --epochs 2 --report-every 1 --run whole >/dev/full";
        CliResult full = start(Map.of(), List.of("bash", "-c", train));

        assertThat(full.exitCode()).isEqualTo(1);
        assertThat(full.err())
                .contains("the run is in whole; generate text with:")
                .endsWith("libretto train: could not write the output: No space left on device\n");
        assertThat(Files.readAllLines(folder.resolve("whole/metrics.csv"))).hasSize(3);

        String piped = Program.IN_BASH + " train --resume whole --epochs 4 | true; exit ${PIPESTATUS[0]}";
        assertThat(start(Map.of(), List.of("bash", "-c", piped)).exitCode()).isZero();
        assertThat(Files.readAllLines(folder.resolve("whole/metrics.csv"))).hasSize(5);

        String closed = Program.IN_BASH + " generate --run whole --prefix 分开 <&- >&- 2>&-";
        assertThat(start(Map.of(), List.of("bash", "-c", closed)).exitCode()).isEqualTo(1);
    }

    /** Printed commands work even if Libretto is installed under a path with spaces. */
    @Test
    void shownCommandsAreQuoted() throws Exception {
        Path link = folder.resolve("my programs/lib retto");
        Files.createDirectories(link.getParent());
        Files.createSymbolicLink(link, Path.of(Program.LAUNCHER));
        CliResult train = start(Map.of(), List.of(link.toString(), "train", "--epochs", "0", "--run", "my run"));

        String shown = train.err().lines().reduce((first, second) -> second).orElseThrow();
        assertThat(shown).contains("'" + link + "' generate --run 'my run'");
        assertThat(start(Map.of(), List.of("bash", "-c", shown.strip())).exitCode())
                .isZero();
    }

    @Test
    void failuresHaveAnExitCodeAndOneLine() throws Exception {
        CliResult usage = run(Map.of(), "train", "--epoch", "5");
        assertThat(usage.exitCode()).isEqualTo(2);
        assertThat(usage.err()).contains("did you mean --epochs?").hasLineCount(1);

        CliResult failure = run(Map.of(), "evaluate", "--corpus", "none.txt");
        assertThat(failure.exitCode()).isEqualTo(1);
        assertThat(failure.err()).hasLineCount(1);

        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void textFromStdinIsReadOnceAndAskedForAgain() throws Exception {
        Files.writeString(folder.resolve("text.txt"), "the quick brown fox ".repeat(20));
        String options = " --seq-length 5 --batch-size 4 --hidden-size 4 --length 1 --run run";
        String train = "cat text.txt | " + Program.IN_BASH + " train --corpus - --epochs 1" + options;
        CliResult read = start(Map.of(), List.of("bash", "-c", train));
        assertThat(read.exitCode()).as(read.err()).isZero();
        assertThat(read.err()).startsWith("corpus: /dev/stdin, 400 characters, ");

        for (List<String> command : List.of(
                List.of("train", "--resume", "run", "--epochs", "2"),
                List.of("generate", "--run", "run", "--prefix", "the", "--check-copies"))) {
            String line = "true | " + Program.IN_BASH + " " + String.join(" ", command);
            CliResult gone = start(Map.of(), List.of("bash", "-c", line));
            assertThat(gone.exitCode()).isEqualTo(1);
            assertThat(gone.err())
                    .endsWith(
                            "this run read /dev/stdin, which is not a file, so its text is gone; give it again with --corpus\n");
            assertThat(start(Map.of(), List.of("bash", "-c", line.replace("true", "cat text.txt") + " --corpus -"))
                            .exitCode())
                    .isZero();
        }
    }

    @Test
    void readOnlyDirectoryIsNamed() throws Exception {
        CliResult failure = run(Map.of(), "train", "--epochs", "1", "--run", "/proc/run");

        assertThat(failure.exitCode()).isEqualTo(1);
        assertThat(failure.err().lines().reduce((first, second) -> second).orElseThrow())
                .startsWith("libretto train: ")
                .contains("/proc/run");
    }

    private CliResult run(Map<String, String> environment, String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of(Program.LAUNCHER));
        line.addAll(List.of(arguments));
        return start(environment, line);
    }

    private CliResult start(Map<String, String> environment, List<String> line) throws Exception {
        return Program.run(process(environment, line));
    }

    private ProcessBuilder process(Map<String, String> environment, List<String> line) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(line).directory(folder.toFile());
        builder.environment().remove("TF_CPP_MIN_LOG_LEVEL");
        builder.environment().putAll(environment);
        return builder;
    }
}
