package dev.libretto.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory.Resumed;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CheckpointPolicy;
import dev.libretto.train.CheckpointPolicy.Every;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.Optimizer;
import dev.libretto.train.Progress;
import dev.libretto.train.Progress.Validation;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RunDirectoryTest {
    private static final Corpus CORPUS =
            new Corpus("test", "abc分开😀".codePoints().toArray());
    private static final Vocabulary VOCABULARY = Vocabulary.of(CORPUS);
    private static final ModelConfig MODEL = new ModelConfig(CellType.RNN, VOCABULARY.size(), 4, 1);
    private static final RunConfig CONFIG = new RunConfig(
            CorpusInfo.of(CORPUS),
            MODEL,
            TrainConfig.TEXTBOOK
                    .with(c -> c.optimizer = Optimizer.defaults(Optimizer.Kind.ADAM))
                    .with(c -> c.checkpoints = new CheckpointPolicy(Every.parse("1"), 2)));

    @TempDir
    private Path folder;

    private Path path;
    private final List<String> warnings = new ArrayList<>();

    @BeforeEach
    void namePath() {
        path = folder.resolve("runs/one");
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        create().close();
        RunDirectory run = RunDirectory.open(path);

        assertThat(run.config()).isEqualTo(CONFIG);
        assertThat(run.vocabulary().symbols()).isEqualTo(VOCABULARY.symbols());
        assertThat(path.resolve("metrics.csv"))
                .hasContent("epoch,loss,perplexity,seconds,chars_per_second,learning_rate,rollbacks,"
                        + "validation_loss,validation_perplexity");
    }

    @Test
    void aRunThatCannotBeBegunLeavesNothingBehind() throws IOException {
        assertThatThrownBy(() -> RunDirectory.create(path, CONFIG, null, false))
                .isInstanceOf(NullPointerException.class);
        assertThat(path).doesNotExist();
        create().close();
    }

    @Test
    void aCheckpointKeepsEveryBit() throws IOException {
        Checkpoint saved = checkpoint(
                new Progress(3, 2, 26, 0.1 + 0.2, 1.5, 1.25, 1.125, 0.5, 1, new Validation(1.5, 1.25, 2)), 1);
        Parameter first = saved.weights().parameters().get(0);
        saved.weights().of(first)[0] = -0.0f;
        saved.weights().of(first)[1] = Float.MIN_VALUE;
        saved.weights().of(first)[2] = Float.intBitsToFloat(0x3f800001);
        saved.slots().of(saved.slots().parameters().get(4))[3] = 0.2f;
        saved.state().of(saved.state().parameters().get(0))[5] = 0.1f;
        try (RunDirectory run = create()) {
            run.save(saved);
        }

        Checkpoint read = RunDirectory.open(path).newest(warnings::add);
        assertThat(read.progress()).isEqualTo(saved.progress());
        assertSameBits(read.weights(), saved.weights());
        assertSameBits(read.slots(), saved.slots());
        assertSameBits(read.state(), saved.state());
        assertThat(warnings).isEmpty();
    }

    @Test
    void theNewestAndTheBestAreKept() throws IOException {
        try (RunDirectory run = create()) {
            double[] losses = {5, 4, 2, 3, 6, 7};
            for (int i = 0; i < losses.length; i++) {
                run.save(checkpoint(i + 1, losses[i]));
            }

            assertThat(saved()).containsExactly("step-00000030", "step-00000050", "step-00000060");
            assertThat(run.newest(warnings::add).progress().epoch()).isEqualTo(6);
            assertThat(run.best(warnings::add).progress().epoch()).isEqualTo(3);
        }
    }

    @Test
    void afterARollbackTheNewestIsTheOneThatWentBack() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            run.save(checkpoint(2, 9));
            Progress back =
                    checkpoint(1, 5).progress().afterRollback(checkpoint(2, 9).progress());
            run.save(checkpoint(back, 1));

            assertThat(run.newest(warnings::add).progress()).isEqualTo(back);
            assertThat(back.learningRateFactor()).isEqualTo(0.5);
            assertThat(saved()).contains("step-00000010-rollback-1");
        }
    }

    /** A checkpoint off the schedule is there because training was interrupted; it is not one to go back to. */
    @Test
    void onlyCheckpointsOnTheScheduleAreGoneBackTo() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            run.save(checkpoint(new Progress(2, 3, 23, 1, 1, 4.0, 4.0, 1, 0, null), 1));

            assertThat(run.newest(warnings::add).progress().step()).isEqualTo(23);
            assertThat(run.best(warnings::add).progress().step()).isEqualTo(10);
        }
    }

    @Test
    void anUnfinishedCheckpointIsPassedOver() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            Files.createDirectory(path.resolve("checkpoints/unfinished"));
            Files.writeString(path.resolve("checkpoints/unfinished/weights.index"), "half");

            assertThat(run.newest(warnings::add).progress().step()).isEqualTo(10);
            run.save(checkpoint(2, 4));
            assertThat(run.newest(warnings::add).progress().step()).isEqualTo(20);
        }
    }

    /** Any flipped bit in any file of the newest checkpoint is found and named, and the one before is used. */
    @Test
    void aFlippedBitIsFoundAndTheCheckpointBeforeIsUsed() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            run.save(checkpoint(2, 4));
        }
        RunDirectory run = RunDirectory.open(path);
        Random random = new Random(1);
        for (Path file : Disk.list(path.resolve("checkpoints/step-00000020"))) {
            byte[] good = Files.readAllBytes(file);
            for (int i = 0; i < 100; i++) {
                byte[] bad = good.clone();
                int at = random.nextInt(bad.length);
                bad[at] ^= (byte) (1 << random.nextInt(8));
                Files.write(file, bad);
                warnings.clear();

                assertThat(run.newest(warnings::add).progress().step())
                        .as("byte %d of %s", at, file)
                        .isEqualTo(10);
                assertThat(warnings).hasSize(1);
                assertThat(warnings.get(0))
                        .contains("step-00000020")
                        .contains("damaged")
                        .contains("using " + path.resolve("checkpoints/step-00000010"));
            }
            Files.write(file, good);
        }
        warnings.clear();
        assertThat(run.newest(warnings::add).progress().step()).isEqualTo(20);
        assertThat(warnings).isEmpty();
    }

    @Test
    void aTruncatedOrMissingFileIsFound() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            run.save(checkpoint(2, 4));
        }
        RunDirectory run = RunDirectory.open(path);
        Path newest = path.resolve("checkpoints/step-00000020");
        for (Path file : Disk.list(newest)) {
            byte[] good = Files.readAllBytes(file);
            for (int length : new int[] {0, 1, good.length / 2, good.length - 1}) {
                Files.write(file, Arrays.copyOf(good, length));
                assertThat(run.newest(warnings::add).progress().step()).isEqualTo(10);
            }
            Files.delete(file);
            assertThat(run.newest(warnings::add).progress().step()).isEqualTo(10);
            Files.write(file, good);
        }
        assertThat(warnings).hasSize(4 * 5);
    }

    @Test
    void aNoteInACheckpointIsNoDamage() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
        }
        Path note = Files.writeString(path.resolve("checkpoints/step-00000010/note.txt"), "the good one");
        assertThat(RunDirectory.open(path).newest(warnings::add).progress().step())
                .isEqualTo(10);
        RunDirectory.Resumed resumed =
                RunDirectory.resume(path, RunDirectory.open(path).config(), warnings::add);
        try (RunDirectory run = resumed.run()) {
            run.begin(resumed.checkpoint());
        }
        assertThat(note).hasContent("the good one");
        assertThat(warnings).noneMatch(warning -> warning.contains("step-00000010"));
    }

    @Test
    void whereAllAreDamagedEachIsNamed() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            run.save(checkpoint(2, 4));
        }
        for (String name : saved()) {
            Files.writeString(path.resolve("checkpoints").resolve(name).resolve("progress.json"), "{}");
        }

        assertThatThrownBy(() -> RunDirectory.open(path).newest(warnings::add))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("step-00000010")
                .hasMessageContaining("step-00000020")
                .hasMessageContaining("there is no other checkpoint");
    }

    @Test
    void goingOnSetsDamageAsideAndCutsTheMetrics() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            run.save(checkpoint(2, 4));
            for (int epoch = 1; epoch <= 3; epoch++) {
                run.append(new EpochMetrics(epoch, 1, 1, 1, 100, 0, null));
                run.append(new ReportedTexts(epoch, List.of("分开\n\"" + epoch, "")));
            }
        }
        Files.writeString(path.resolve("metrics.csv"), "4,0.5,1.6", StandardOpenOption.APPEND);
        Files.writeString(path.resolve("samples.jsonl"), "{\"epoch\":4,\"te", StandardOpenOption.APPEND);
        assertThat(ReportedTexts.read(path)).as("before a report is complete").hasSize(3);
        Files.writeString(path.resolve("checkpoints/step-00000020/progress.json"), "{}");

        RunConfig more = CONFIG.withTraining(CONFIG.training().with(c -> c.epochs = 500));
        List<String> before = contents();
        Resumed resumed = RunDirectory.resume(path, more, warnings::add);
        try (RunDirectory run = resumed.run()) {
            assertThat(contents()).as("before the first batch").isEqualTo(before);
            run.begin(resumed.checkpoint());
            assertThat(run.config().training().epochs()).isEqualTo(500);
            assertThat(Files.readAllLines(path.resolve("metrics.csv"))).hasSize(2);
            assertThat(ReportedTexts.read(path)).containsExactly(new ReportedTexts(1, List.of("分开\n\"1", "")));
            assertThat(saved()).containsExactly("damaged-step-00000020", "step-00000010");
            run.save(checkpoint(2, 4));
        }
        assertThat(warnings).hasSize(1);
        assertThat(RunDirectory.open(path).config().training().epochs()).isEqualTo(500);
        assertThat(RunDirectory.open(path).newest(warnings::add).progress().step())
                .isEqualTo(20);
    }

    @Test
    void oneWriterAtATime() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            assertThatThrownBy(() -> RunDirectory.resume(path, CONFIG, warnings::add))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageContaining("is being trained by another process");
            assertThatThrownBy(() -> RunDirectory.create(path, CONFIG, VOCABULARY, true))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageContaining("is being trained by another process");
            assertThat(RunDirectory.open(path).newest(warnings::add).progress().step())
                    .as("reading is free")
                    .isEqualTo(10);
        }
        RunDirectory.resume(path, CONFIG, warnings::add).run().close();
    }

    @Test
    void nothingIsReplacedUnlessAsked() throws IOException {
        create().close();
        Files.writeString(path.resolve("metrics.csv"), "precious");

        assertThatThrownBy(() -> RunDirectory.create(path, CONFIG, VOCABULARY, false))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("already holds a run");
        assertThat(path.resolve("metrics.csv")).hasContent("precious");

        replace();
        assertThat(path.resolve("metrics.csv")).content().startsWith("epoch,");
    }

    /** Files of a user and of other programs, wherever they are, with and without a run around them. */
    @ParameterizedTest
    @CsvSource({
        "thesis.doc, thesis.doc",
        "checkpoints/model.h5, checkpoints/model.h5",
        "checkpoints/epoch=1-step=10.ckpt, checkpoints/epoch=1-step=10.ckpt",
        "checkpoints/step-00000010/notes.txt, checkpoints/step-00000010/notes.txt",
        "checkpoints/step-10/weights.index, checkpoints/step-10",
        "tensorboard/events.out.tfevents.1700000000.host.1.0, tensorboard/events.out.tfevents.1700000000.host.1.0",
        "tensorboard/train/events.out.tfevents.1700000000.host.step-1, tensorboard/train",
        "lightning_logs/version_0/metrics.csv, lightning_logs",
    })
    void foreignFilesAreNeverTouched(String file, String named) throws IOException {
        for (boolean inRun : new boolean[] {false, true}) {
            if (inRun) {
                path = folder.resolve("runs/two");
                try (RunDirectory run = create()) {
                    run.save(checkpoint(1, 5));
                }
            }
            Path foreign = path.resolve(file);
            Files.createDirectories(foreign.getParent());
            Files.writeString(foreign, "years of work");
            List<String> before = tree();

            for (boolean overwrite : new boolean[] {false, true}) {
                assertThatThrownBy(() -> RunDirectory.create(path, CONFIG, VOCABULARY, overwrite))
                        .isInstanceOf(LibrettoException.class)
                        .hasMessageContaining(path.resolve(named) + " is not a file of a run")
                        .hasMessageNotContaining("\n");
            }
            assertThat(tree()).isEqualTo(before);
            assertThat(foreign).hasContent("years of work");
        }
    }

    /** By its names alone it could be a run, but another program's configuration, or none, says otherwise. */
    @ParameterizedTest
    @ValueSource(strings = {"", "{\"model_type\": \"gpt2\"}"})
    void directoryWithoutOwnConfigurationIsNeverTouched(String config) throws IOException {
        Files.createDirectories(path.resolve("checkpoints"));
        Files.createDirectories(path.resolve("tensorboard"));
        Files.writeString(path.resolve("metrics.csv"), "mine");
        if (!config.isEmpty()) {
            Files.writeString(path.resolve("config.json"), config);
        }
        List<String> before = tree();

        for (boolean overwrite : new boolean[] {false, true}) {
            assertThatThrownBy(() -> RunDirectory.create(path, CONFIG, VOCABULARY, overwrite))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageContaining("is not empty and has no config.json of a run");
        }
        assertThat(tree()).isEqualTo(before);
    }

    @Test
    void linksInARunAreNeverFollowed() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("weights.index"), "mine");
        create().close();
        Files.createSymbolicLink(path.resolve("checkpoints/step-00000010"), elsewhere);

        assertThatThrownBy(() -> RunDirectory.create(path, CONFIG, VOCABULARY, true))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("checkpoints/step-00000010 is not a file of a run");
        assertThat(elsewhere.resolve("weights.index")).hasContent("mine");
    }

    @Test
    void retentionLeavesACheckpointWithForeignFiles() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            Path notes = path.resolve("checkpoints/step-00000010/notes.txt");
            Files.writeString(notes, "mine");
            for (int epoch = 2; epoch < 6; epoch++) {
                run.save(checkpoint(epoch, 5 - epoch));
            }
            assertThat(notes).hasContent("mine");
            assertThat(saved()).containsExactly("step-00000010", "step-00000040", "step-00000050");
        }
    }

    /** The best checkpoint is damaged: retention, which does not verify it, keeps it. */
    @Test
    void retentionReadsNoWeights() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 2));
            Path weights = path.resolve("checkpoints/step-00000010/weights.data-00000-of-00001");
            byte[] content = Files.readAllBytes(weights);
            content[0] ^= 1;
            Files.write(weights, content);
            for (int epoch = 2; epoch < 6; epoch++) {
                run.save(checkpoint(epoch, 5));
            }
            assertThat(saved()).contains("step-00000010");
            assertThat(run.best(warnings::add).progress().epoch()).isNotEqualTo(1);
            assertThat(warnings).isNotEmpty();
        }
    }

    /** Within an epoch, its start stays whatever {@code --keep} says: a divergence goes back to it. */
    @Test
    void startOfTheEpochIsKept() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 1));
            run.save(checkpoint(2, 5));
            for (int batch = 1; batch < 6; batch++) {
                run.save(checkpoint(new Progress(2, batch, 20 + batch, 1, 1, 5.0, 1.0, 1, 0, null), 1));
            }
            assertThat(saved()).containsExactly("step-00000010", "step-00000020", "step-00000024", "step-00000025");
            Progress now = run.newestProgress(warnings::add);
            assertThat(run.epochStart(now).orElseThrow().step()).isEqualTo(20);

            run.discardAfter(checkpoint(2, 5).progress());
            assertThat(saved()).containsExactly("step-00000010", "step-00000020");
        }
    }

    @Test
    void olderRunStaysUntilItIsReplaced() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(7, 5));
        }
        try (RunDirectory run = RunDirectory.create(path, CONFIG, VOCABULARY, true)) {
            run.save(checkpoint(1, 5));
            assertThat(RunDirectory.open(path).newestProgress(warnings::add).epoch())
                    .isEqualTo(7);
            run.discardIfNeverBegun();
        }
        assertThat(runs()).containsExactly("one");
        assertThat(RunDirectory.open(path).newestProgress(warnings::add).epoch())
                .isEqualTo(7);

        replace();
        assertThat(runs()).containsExactly("one");
        assertThat(RunDirectory.open(path).newestProgress(warnings::add).epoch())
                .isEqualTo(1);
    }

    /** Each state that a kill can leave between the steps of a replacement. */
    @ParameterizedTest
    @ValueSource(strings = {"written", "old moved away", "new in place", "old partly deleted"})
    void killedReplacementLeavesARun(String killed) throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(7, 5));
        }
        try (RunDirectory run = RunDirectory.create(path, CONFIG, VOCABULARY, true)) {
            run.save(checkpoint(1, 5));
        }
        Path fresh = path.resolveSibling(".one.libretto-new");
        Path older = path.resolveSibling(".one.libretto-old");
        assertThat(fresh).exists();
        if (!killed.equals("written")) {
            Files.move(path, older);
        }
        boolean replaced = killed.equals("new in place") || killed.equals("old partly deleted");
        if (replaced) {
            Files.move(fresh, path);
        }
        if (killed.equals("old partly deleted")) {
            Files.delete(older.resolve("vocabulary.json"));
            Files.delete(older.resolve("lock"));
        }

        assertThat(RunDirectory.open(path).newestProgress(warnings::add).epoch())
                .isEqualTo(replaced ? 1 : 7);
        try (RunDirectory run = RunDirectory.resume(path, CONFIG, warnings::add).run()) {
            assertThat(run.newestProgress(warnings::add).epoch()).isEqualTo(replaced ? 1 : 7);
        }
        assertThat(runs()).containsExactly("one");
        replace();
        assertThat(runs()).containsExactly("one");
    }

    @Test
    void twoStartsNeverBothReplaceARun() throws Exception {
        create().close();
        AtomicInteger writers = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        Callable<Integer> starts = () -> {
            int started = 0;
            for (int i = 0; i < 100; i++) {
                try (RunDirectory run = RunDirectory.create(path, CONFIG, VOCABULARY, true)) {
                    most.accumulateAndGet(writers.incrementAndGet(), Math::max);
                    run.replaceOlder();
                    started++;
                    writers.decrementAndGet();
                } catch (LibrettoException e) {
                    assertThat(e).hasMessageContaining("is being trained by another process");
                }
            }
            return started;
        };
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            int started = 0;
            for (Future<Integer> thread : threads.invokeAll(List.of(starts, starts))) {
                started += thread.get();
            }
            assertThat(started).isPositive();
        } finally {
            threads.shutdownNow();
        }
        assertThat(most).hasValue(1);
        assertThat(runs()).containsExactly("one");
    }

    @Test
    void pathsThatTensorFlowTakesForPatternsAreRejected() {
        for (String name : List.of("a[1]", "b*", "c?", "d{e}", "f\\g")) {
            assertThatThrownBy(() -> RunDirectory.requireWritable(folder.resolve(name), false))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageContaining("which TensorFlow cannot read a checkpoint from");
        }
    }

    @Test
    void linksAreNotReplaced() throws IOException {
        create().close();
        Path link = folder.resolve("link");
        Files.createSymbolicLink(link, path);

        assertThatThrownBy(() -> RunDirectory.create(link, CONFIG, VOCABULARY, true))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("is a link");
        assertThat(path.resolve("config.json")).exists();
    }

    @Test
    void whatNeverBeganIsDiscarded() throws IOException {
        try (RunDirectory run = create()) {
            run.discardIfNeverBegun();
        }
        assertThat(path).doesNotExist();

        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            // As where a file system is away for a moment.
            Files.move(path.resolve("checkpoints"), folder.resolve("away"));
            run.discardIfNeverBegun();
            Files.move(folder.resolve("away"), path.resolve("checkpoints"));
        }
        assertThat(RunDirectory.open(path).newest(warnings::add).progress().epoch())
                .isEqualTo(1);
    }

    @Test
    void anEmptyFolderIsFine() throws IOException {
        Files.createDirectories(path);
        create().close();

        assertThat(RunDirectory.open(path).config()).isEqualTo(CONFIG);
    }

    @Test
    void whatIsNoRunSaysSo() throws IOException {
        assertCannotOpen("there is no run directory " + path);

        Files.createDirectories(path);
        assertCannotOpen("is not a run directory: it has no config.json");

        create().close();
        assertThatThrownBy(() -> RunDirectory.open(path).newest(warnings::add))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("has no checkpoint");
    }

    /** Before reports were part of the configuration. */
    @Test
    void configurationWithoutReportsHasTheDefault() throws IOException {
        ReportConfig report = new ReportConfig(7, 20, List.of("a", "bc"), true);
        RunDirectory.create(path, CONFIG.withReport(report), VOCABULARY, false).close();
        assertThat(RunDirectory.open(path).config().report()).isEqualTo(report);

        Path file = path.resolve("config.json");
        String content = Files.readString(file);
        String old = content.replaceFirst("(?s),\\s*\"report\" : \\{.*?}", "");
        assertThat(old).isNotEqualTo(content);
        Files.writeString(file, old);
        assertThat(RunDirectory.open(path).config()).isEqualTo(CONFIG);

        Files.writeString(file, content.replaceFirst("\"report\" : ", "\"report\" : null, \"x\" : "));
        assertCannotOpen("is damaged");
    }

    /** Version 0.1 trained on two parts where the rows were even, and did not record it. */
    @ParameterizedTest
    @CsvSource({"4, 2", "5, 1"})
    void configurationWithoutPartsHasThoseOfItsVersion(int batchSize, int parts) throws IOException {
        TrainConfig training = CONFIG.training().withBatches(2, batchSize, Sampling.CONSECUTIVE);
        RunDirectory.create(path, CONFIG.withTraining(training.with(c -> c.parts = 3)), VOCABULARY, false)
                .close();
        assertThat(RunDirectory.open(path).config().training().parts()).isEqualTo(3);

        Path file = path.resolve("config.json");
        Files.writeString(file, Files.readString(file).replaceFirst("\\s*\"parts\" : 3,", ""));
        assertThat(RunDirectory.open(path).config().training()).isEqualTo(training.with(c -> c.parts = parts));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '~',
            value = {
                "config.json | \"hiddenSize\" : 4 | \"hiddenSize\" : -4 | hidden size is -4",
                "config.json | \"hiddenSize\" : 4 | \"hiddenSize\" : null | damaged",
                "config.json | \"hiddenSize\" : 4 | \"hidden\" : 4 | damaged",
                "config.json | \"hiddenSize\" : 4 | \"hiddenSize\" : \"x\" | damaged",
                "config.json | \"consecutive\" | \"sideways\" | damaged",
                "config.json | { | [ | damaged",
                "config.json | \"hiddenSize\" : 4 | \"hiddenSize\" : 5, \"hiddenSize\" : 4 | damaged",
                "config.json | \"hiddenSize\" : 4 | \"\\n\\u001b\\n\" : 4 | damaged",
                "config.json | \"vocabularySize\" : 6 | \"vocabularySize\" : 7 | config.json says 7",
                "vocabulary.json | \"a\" | \"aa\" | must be one character",
                "vocabulary.json | \"a\" | 1 | damaged",
                "vocabulary.json | \"a\" | \"\\n\\n\" | symbol 0 is \"??\"; it must be one character",
                "vocabulary.json | \"😀\" | \"\\ud83d\" | must be one character",
                "vocabulary.json | ] | ~~ | damaged",
            })
    void damagedFilesAreNamed(String file, String good, String bad, String message) throws IOException {
        create().close();
        String content = Files.readString(path.resolve(file));
        assertThat(content).contains(good);
        Files.writeString(path.resolve(file), content.replace(good, bad == null ? "" : bad));

        assertCannotOpen(message);
        assertCannotOpen(file);
    }

    /** The file has three gigabytes by its length alone; none of them is read. */
    @ParameterizedTest
    @ValueSource(strings = {"config.json", "vocabulary.json", "metrics.csv", "checkpoints/step-00000010/SHA256SUMS"})
    void aFileWithoutEndIsDamaged(String file) throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
        }
        try (RandomAccessFile sparse = new RandomAccessFile(path.resolve(file).toFile(), "rw")) {
            sparse.setLength(3L << 30);
        }

        assertThatThrownBy(() -> RunDirectory.resume(path, CONFIG, warnings::add))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining(file + " is damaged: it has 3221225472 bytes");
    }

    /** As a hand makes one that restores a backup to the wrong place: the newest by its name, and an older one. */
    @Test
    void aCheckpointUnderTheNameOfAnotherIsPassedOver() throws IOException {
        try (RunDirectory run = create()) {
            run.save(checkpoint(1, 5));
            run.save(checkpoint(2, 4));
        }
        Path checkpoints = path.resolve("checkpoints");
        Path copy = Files.createDirectory(checkpoints.resolve("step-00000030"));
        for (Path file : Disk.list(checkpoints.resolve("step-00000010"))) {
            Files.copy(file, copy.resolve(file.getFileName()));
        }

        RunDirectory run = RunDirectory.open(path);
        assertThat(run.newest(warnings::add).progress().step()).isEqualTo(20);
        assertThat(run.best(warnings::add).progress().step()).isEqualTo(20);
        assertThat(warnings).hasSize(2);
        assertThat(warnings)
                .allSatisfy(warning -> assertThat(warning)
                        .contains("step-00000030 is damaged: it holds the checkpoint step-00000010"));

        resumeAndBegin(CONFIG).close();
        assertThat(saved()).containsExactly("damaged-step-00000030", "step-00000010", "step-00000020");
    }

    @Test
    void damagedRowsOfTheMetricsAreCutAndToldOf() throws IOException {
        try (RunDirectory run = create()) {
            run.append(new EpochMetrics(1, 1, 1, 1, 100, 0, null));
            run.append(new EpochMetrics(2, 1, 1, 1, 100, 0, null));
            run.save(checkpoint(2, 4));
        }
        Path metrics = path.resolve("metrics.csv");
        List<String> good = Files.readAllLines(metrics);
        for (String bad : List.of("2,0.5", "2,1,1,1\0\0,1,100,0", "2,1,1,1,1,100,0,0", "")) {
            Files.write(metrics, List.of(good.get(0), good.get(1), bad));
            resumeAndBegin(CONFIG).close();

            assertThat(Files.readAllLines(metrics)).isEqualTo(good.subList(0, 2));
            assertThat(warnings).hasSize(1);
            assertThat(warnings.remove(0)).endsWith("has rows for 1 of the 2 epochs trained");
        }
    }

    /** A schedule that could be had but not read back would make a run that cannot be opened. */
    @Test
    void theLongestScheduleIsReadBack() {
        Every longest = new Every(999_999_999, CheckpointPolicy.Unit.BATCHES);

        assertThat(Every.parse(longest.toString())).isEqualTo(longest);
        assertThatThrownBy(() -> new Every(1_000_000_000, CheckpointPolicy.Unit.BATCHES))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("checkpoint every must be from 1 to 999999999 (got 1000000000)");
    }

    @Test
    void weightsOfAnotherModelAreRejected() throws IOException {
        ModelConfig wider = new ModelConfig(CellType.RNN, VOCABULARY.size(), 5, 1);
        RunConfig other = new RunConfig(CONFIG.corpus(), wider, CONFIG.training());
        try (RunDirectory run = create()) {
            run.save(Checkpoint.start(other.model(), other.training(), TestModels.randomWeights(wider, 1)));

            assertThatThrownBy(() -> run.newest(warnings::add))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageContaining("layer_0/kernel has the shape [6, 5], not [6, 4]");
        }
    }

    @Test
    void latestFollowsTheLastRun() throws IOException {
        Runs runs = new Runs(folder.resolve("runs"));
        assertThatThrownBy(runs::latest)
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("there is no run yet");

        Path elsewhere = folder.resolve("elsewhere");
        for (Path each : List.of(path, elsewhere, path)) {
            try (RunDirectory run = RunDirectory.create(each, CONFIG, VOCABULARY, true)) {
                run.replaceOlder();
                runs.pointLatestAt(run);
            }
            assertThat(runs.latest()).isEqualTo(each);
        }
        assertThat(Files.readSymbolicLink(folder.resolve("runs/latest"))).isEqualTo(Path.of("one"));
    }

    @Test
    void latestIsNotTakenFromSomethingElse() throws IOException {
        Runs runs = new Runs(folder.resolve("runs"));
        Files.createDirectories(folder.resolve("runs"));
        Files.writeString(folder.resolve("runs/latest"), "mine");
        try (RunDirectory run = create()) {
            assertThatThrownBy(() -> runs.pointLatestAt(run)).isInstanceOf(LibrettoException.class);
        }
        assertThat(folder.resolve("runs/latest")).hasContent("mine");
    }

    @Test
    void unusedPathsAreUnused() throws IOException {
        Runs runs = new Runs(folder);
        Path first = runs.unusedPath();
        Files.createDirectory(first);

        assertThat(runs.unusedPath()).isNotEqualTo(first).doesNotExist();
    }

    private void assertCannotOpen(String message) {
        assertThatThrownBy(() -> RunDirectory.open(path))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }

    /** Everything below the run, by its path. */
    private List<String> tree() throws IOException {
        try (Stream<Path> tree = Files.walk(path)) {
            return tree.map(Path::toString)
                    .filter(file -> !file.endsWith("lock"))
                    .sorted()
                    .toList();
        }
    }

    /** Every file of the run and its bytes. */
    private List<String> contents() throws IOException {
        List<String> contents = new ArrayList<>();
        for (String file : tree()) {
            if (Files.isRegularFile(Path.of(file))) {
                contents.add(file + " " + Arrays.toString(Files.readAllBytes(Path.of(file))));
            }
        }
        return contents;
    }

    private List<String> runs() throws IOException {
        return Disk.list(path.getParent()).stream()
                .map(run -> run.getFileName().toString())
                .toList();
    }

    private void replace() throws IOException {
        try (RunDirectory run = RunDirectory.create(path, CONFIG, VOCABULARY, true)) {
            run.save(checkpoint(1, 5));
            run.replaceOlder();
        }
    }

    private RunDirectory resumeAndBegin(RunConfig config) throws IOException {
        Resumed resumed = RunDirectory.resume(path, config, warnings::add);
        resumed.run().begin(resumed.checkpoint());
        return resumed.run();
    }

    private RunDirectory create() throws IOException {
        return RunDirectory.create(path, CONFIG, VOCABULARY, false);
    }

    /** At the end of an epoch of ten batches. */
    private static Checkpoint checkpoint(int epoch, double loss) {
        return checkpoint(new Progress(epoch, 0, 10 * epoch, 0, 0, loss, loss, 1, 0, null), epoch);
    }

    private static Checkpoint checkpoint(Progress progress, long seed) {
        Checkpoint start = Checkpoint.start(CONFIG.model(), CONFIG.training(), TestModels.randomWeights(MODEL, seed));
        return new Checkpoint(start.weights(), start.slots(), start.state(), progress);
    }

    private List<String> saved() throws IOException {
        return Disk.list(path.resolve("checkpoints")).stream()
                .map(checkpoint -> checkpoint.getFileName().toString())
                .toList();
    }

    private static void assertSameBits(Weights one, Weights two) {
        assertThat(one.parameters()).isEqualTo(two.parameters());
        for (Parameter parameter : one.parameters()) {
            assertThat(bits(one.of(parameter))).containsExactly(bits(two.of(parameter)));
        }
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(values[i]));
        return bits;
    }
}
