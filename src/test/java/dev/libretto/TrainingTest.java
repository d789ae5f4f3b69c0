package dev.libretto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.cli.CliResult;
import dev.libretto.device.Cluster;
import dev.libretto.device.Device;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.device.Precision;
import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowServer;
import dev.libretto.export.ExportFormat;
import dev.libretto.generate.Sampler;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.LearningCurve;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.VocabularyChoice;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.Optimizer;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.types.TFloat32;

/** The library does what the command line does, with a disk and without. */
@Tag("numeric")
class TrainingTest {
    private static final String TEXT = "分开的海浪\n不分开的天空\n".repeat(60);

    @TempDir
    private Path folder;

    private final List<EpochMetrics> epochs = new ArrayList<>();

    /** Two parts on every machine; their number follows the cores otherwise. */
    private Training.Builder small() {
        return Training.builder()
                .settings(TrainConfig.TEXTBOOK.with(config -> {
                    config.batchSize = 8;
                    config.seqLength = 10;
                    config.parts = 2;
                }))
                .cell(CellType.LSTM)
                .hiddenSize(16)
                .epochs(4)
                .optimizer(Optimizer.adam(0.02))
                .onEpoch(epochs::add);
    }

    @Test
    void fitMatchesTheCommandLineBitForBit() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), TEXT);
        Training training = small().validationFraction(0.1)
                .dropout(0.2)
                .emaDecay(0.9)
                .layers(2)
                .seed(7)
                .build();
        command("train --corpus " + text + " --max-chars 0 --keep-newlines --cell lstm --hidden-size 16 --batch-size 8"
                + " --parts 2 --seq-length 10 --epochs 4 --optimizer adam --learning-rate 0.02 --validation-fraction 0.1 --dropout 0.2"
                + " --ema-decay 0.9"
                + " --layers 2 --seed 7 --run " + folder + "/run");

        try (CharModel trained = training.fit(Corpus.read(text));
                CharModel kept = training.fit(Corpus.read(text), folder.resolve("kept"));
                CharModel commanded = CharModel.open(folder.resolve("run"))) {
            assertSameBits(trained.weights(), commanded.weights());
            assertSameBits(kept.weights(), commanded.weights());
            assertThat(epochs.subList(0, 4)).extracting(EpochMetrics::epoch).containsExactly(1, 2, 3, 4);
            assertThat(epochs.subList(0, 4))
                    .extracting(EpochMetrics::validationPerplexity)
                    .isEqualTo(LearningCurve.read(folder.resolve("run")).epochs().stream()
                            .map(LearningCurve.Epoch::validation)
                            .toList());
            assertThat(RunDirectory.open(folder.resolve("kept")).config())
                    .isEqualTo(RunDirectory.open(folder.resolve("run")).config());
        }
    }

    /** The held-out end has other characters than the rest, so the more is learnt, the less it is expected. */
    @Test
    void fitReturnsTheWeightsOfTheLowestValidationLoss() throws IOException {
        Corpus corpus = Corpus.of("abab".repeat(210) + "ccdd".repeat(90));
        Training training = small().epochs(6).validationFraction(0.3).build();
        try (CharModel model = training.fit(corpus);
                CharModel kept = training.fit(corpus, folder.resolve("run"))) {
            Progress.Validation validation = RunDirectory.open(folder.resolve("run"))
                    .newestProgress(warning -> {})
                    .validation();
            assertThat(validation.loss()).as("the last epoch is not the best").isGreaterThan(validation.lowest());
            assertSameBits(model.weights(), kept.weights());
            assertThat(model.evaluate(Corpus.of("ccdd".repeat(90))).loss())
                    .as("as good as it gets")
                    .isLessThan(validation.loss());
        }
    }

    @Test
    void openedRunWritesAndMeasuresAsTheCommandLineDoes() throws IOException {
        Path run = folder.resolve("run");
        small().epochs(30).build().fit(Corpus.of(TEXT), run).close();
        Path other = Files.writeString(folder.resolve("other.txt"), "分开的天空\n");

        try (CharModel model = CharModel.open(run)) {
            assertThat(model.write("分开", 12))
                    .hasSize(14)
                    .isEqualTo(command("generate --run " + run + " --prefix 分开 --length 12")
                            .stripTrailing());
            assertThat(model.write("分开", 12, Sampler.temperature(2)))
                    .isEqualTo(command("generate --run " + run + " --prefix 分开 --length 12 --temperature 2")
                            .replaceFirst("\n$", ""));
            assertThat(command("evaluate --run " + run + " --corpus " + other))
                    .contains(String.format(
                            "loss: %f nats", model.evaluate(Corpus.read(other)).loss()));
        }
    }

    @Test
    void writtenCharactersArriveOneByOne() throws IOException {
        try (CharModel model = small().epochs(0).build().fit(Corpus.of(TEXT))) {
            List<String> written = new ArrayList<>();
            model.write("分", 5, Sampler.GREEDY, 1, written::add);
            assertThat(written).hasSize(5).allMatch(character -> character.codePointCount(0, character.length()) == 1);
            assertThat(model.write("分", 5)).isEqualTo("分" + String.join("", written));
        }
    }

    @Test
    void exportedModelWritesTheSame() throws IOException {
        Path file = folder.resolve("model.onnx");
        // Each character decides the next one, so no rounding changes the choice.
        try (CharModel model = small().epochs(30).build().fit(Corpus.of("一二三四五六".repeat(150)))) {
            model.export(ExportFormat.ONNX, file);
            assertThat(command("generate --model " + file + " --prefix 一二 --length 12")
                            .stripTrailing())
                    .isEqualTo(model.write("一二", 12));
            assertThatThrownBy(() -> model.export(ExportFormat.ONNX, file))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessage(file + " already exists; overwrite it, or name another");
        }
    }

    @Test
    void stoppedTrainingResumesToTheSameBits() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), TEXT);
        Path run = folder.resolve("run");
        int[] asked = {0};
        small().stopWhen(() -> ++asked[0] == 3)
                .build()
                .fit(Corpus.read(text), run)
                .close();
        assertThat(RunDirectory.open(run).newestProgress(warning -> {}).step()).isEqualTo(3);

        command("train --resume " + run);
        try (CharModel resumed = CharModel.open(run);
                CharModel whole = small().build().fit(Corpus.read(text))) {
            assertSameBits(resumed.weights(), whole.weights());
        }
    }

    @Test
    void resumedRunMatchesUninterruptedRun() throws IOException {
        Corpus corpus = Corpus.of(TEXT);
        Path run = folder.resolve("run");
        int[] asked = {0};
        Training interrupted = small().validationFraction(0.1)
                .dropout(0.2)
                .stopWhen(() -> ++asked[0] == 3)
                .build();
        interrupted.fit(corpus, run).close();
        epochs.clear();
        Training more = Training.builder(run).epochs(6).onEpoch(epochs::add).build();
        try (CharModel resumed = more.resume(corpus, run);
                CharModel again = more.resume(corpus, run);
                CharModel whole = small().validationFraction(0.1)
                        .dropout(0.2)
                        .epochs(6)
                        .build()
                        .fit(corpus, folder.resolve("whole"))) {
            assertSameBits(resumed.weights(), whole.weights());
            assertSameBits(again.weights(), whole.weights());
            assertThat(epochs.subList(0, 6)).extracting(EpochMetrics::epoch).containsExactly(1, 2, 3, 4, 5, 6);
            assertThat(RunDirectory.open(run).config())
                    .isEqualTo(RunDirectory.open(folder.resolve("whole")).config());
        }
        assertThatThrownBy(() -> more.resume(Corpus.of(TEXT + "云"), run))
                .hasMessage("text is not the training text of " + run + " (SHA-256 mismatch); resume with that text");
        for (Training.Builder other : List.of(
                Training.builder(run).seed(2), Training.builder(run).hiddenSize(8), Training.builder(), small())) {
            assertThatThrownBy(() -> other.build().resume(corpus, run))
                    .hasMessage("the settings are not those of " + run + "; begin with Training.builder(run) and change"
                            + " only epochs, learning rate, patience and checkpoints");
        }
        assertThatThrownBy(() -> Training.builder(folder.resolve("none"))).isInstanceOf(LibrettoException.class);
        assertThat(RunDirectory.open(run).config())
                .isEqualTo(RunDirectory.open(folder.resolve("whole")).config());
    }

    @Test
    void fineTuningMatchesTheCommandLineBitForBit() throws IOException {
        Path text = Files.writeString(folder.resolve("other.txt"), "😀 other 开 text, ".repeat(60));
        small().layers(2)
                .build()
                .fit(Corpus.of(TEXT), folder.resolve("general"))
                .close();
        command("train --init-from " + folder + "/general --freeze 0 --corpus " + text + " --max-chars 0 --batch-size 8"
                + " --parts 2 --seq-length 10 --epochs 4 --optimizer adam --learning-rate 0.02 --run " + folder
                + "/run");

        try (CharModel general = CharModel.open(folder.resolve("general"))) {
            Training training = small().initFrom(general).freeze("layer_0").build();
            try (CharModel tuned = training.fit(Corpus.read(text));
                    CharModel kept = training.fit(Corpus.read(text), folder.resolve("kept"));
                    CharModel commanded = CharModel.open(folder.resolve("run"))) {
                assertSameBits(tuned.weights(), commanded.weights());
                assertSameBits(kept.weights(), commanded.weights());
                assertThat(tuned.vocabulary().symbols())
                        .isEqualTo(commanded.vocabulary().symbols());
                assertThat(kept.source()).isEqualTo(folder.resolve("kept").toString());
                assertThat(tuned.source()).isEmpty();
            }
        }
        assertThat(RunDirectory.open(folder.resolve("kept")).config().origin())
                .isEqualTo(RunDirectory.open(folder.resolve("run")).config().origin());
    }

    @Test
    void exportedWeightsAreReadAndTrainedOn() throws IOException {
        Path file = folder.resolve("model.safetensors");
        try (CharModel model = small().build().fit(Corpus.of(TEXT))) {
            model.export(ExportFormat.SAFETENSORS, file);
            try (CharModel read = CharModel.read(file);
                    CharModel again = small().initFrom(read, VocabularyChoice.MODEL)
                            .epochs(0)
                            .build()
                            .fit(Corpus.of(TEXT))) {
                assertSameBits(again.weights(), model.weights());
                assertThat(read.source()).isEqualTo(file.toString());
                assertThat(read.write("分", 5)).isEqualTo(model.write("分", 5));
                assertThatThrownBy(() -> small().initFrom(read).layers(2).build())
                        .isInstanceOf(IllegalArgumentException.class)
                        .hasMessage("the model to start from decides the cell and the sizes; do not set others");
            }
        }
    }

    /** A builder can be used again without changing what it has built. */
    @Test
    void builtTrainingDoesNotChange() throws IOException {
        Training.Builder builder = small();
        Training one = builder.epochs(1).build();
        builder.epochs(2).hiddenSize(8).build();
        try (CharModel model = one.fit(Corpus.of(TEXT))) {
            assertThat(epochs).hasSize(1);
            assertThat(model.config().hiddenSize()).isEqualTo(16);
        }
    }

    @Test
    void mistakesAreNamedInOneLine() throws IOException {
        assertThatThrownBy(() -> small().hiddenSize(0).build()).hasMessageContaining("hidden size is 0");
        assertThatThrownBy(() -> small().patience(2).build()).hasMessageContaining("patience is 2");
        assertThatThrownBy(() -> Corpus.of(""))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("is empty");
        assertThatThrownBy(() -> small().build().fit(Corpus.of("short"), folder.resolve("run")))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(folder.resolve("run")).doesNotExist();
        assertThatThrownBy(() -> CharModel.open(folder)).isInstanceOf(LibrettoException.class);
        try (CharModel model = small().epochs(0).build().fit(Corpus.of(TEXT))) {
            assertThatThrownBy(() -> model.write("", 5)).hasMessageContaining("the prefix is empty");
            assertThatThrownBy(() -> model.write("x", 5)).hasMessageContaining("'x' (U+0078) is not in the vocabulary");
        }
    }

    @Test
    void severalHostsGiveTheSameModel() throws IOException {
        HostAddress worker;
        try (ServerSocket any = new ServerSocket(0)) {
            worker = HostAddress.parse("127.0.0.1:" + any.getLocalPort());
        }
        TensorFlowServer.startWorker(worker, Set.of());
        Cluster cluster = Cluster.join(List.of(worker), Duration.ofMinutes(10), Choice.CPU);
        Corpus corpus = Corpus.of(TEXT);
        try (CharModel together = small().cluster(cluster).build().fit(corpus);
                CharModel alone = small().build().fit(corpus)) {
            assertSameBits(together.weights(), alone.weights());
            assertThat(epochs).hasSize(8);
        }
        TrainConfig onePart =
                TrainConfig.TEXTBOOK.withBatches(10, 8, Sampling.CONSECUTIVE).with(config -> config.parts = 1);
        assertThatThrownBy(
                        () -> small().settings(onePart).cluster(cluster).build().fit(corpus))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("a batch has 1 part, too few for 2 hosts");
    }

    @Test
    void nativeMemoryIsFreed() throws IOException {
        Corpus corpus = Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(600));
        Training training = small().epochs(1).sampling(Sampling.RANDOM).build();
        NativeMemory.assertFlat(20, () -> {
            try (CharModel model = training.fit(corpus)) {
                model.write(Character.toString(corpus.codePointAt(0)), 3);
                model.evaluate(corpus);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** Other models, or the command line, may compute in another precision in between. */
    @Test
    void modelKeepsItsPrecision() throws IOException {
        Training training = small().epochs(1).build();
        Corpus corpus = Corpus.of(TEXT);
        try (CharModel model = training.fit(corpus)) {
            double loss = model.evaluate(corpus).loss();
            String text = model.write("分", 3);
            Choice other = new Choice(Device.CPU, Precision.BFLOAT16, "");
            other.use();
            assertThat(model.evaluate(corpus).loss()).isEqualTo(loss);
            other.use();
            assertThat(model.write("分", 3)).isEqualTo(text);
            assertThat(Sessions.factorType()).isEqualTo(TFloat32.class);
            other.use();
            try (CharModel again = training.fit(corpus)) {
                assertSameBits(again.weights(), model.weights());
            }
        } finally {
            Choice.CPU.use();
        }
    }

    /** Its arrays are not needed, because nothing is built. */
    @Test
    void modelTooLargeForAGraphStillDecodesEagerly() {
        ModelConfig large = new ModelConfig(CellType.RNN, 7_680, 16_384, 1);
        try (CharModel model = new CharModel(large, null, null, CorpusOptions.WHOLE_TEXT, "", Choice.CPU)) {
            assertThat(model.decoding(false).config()).isEqualTo(large);
            assertThatThrownBy(() -> model.decoding(true)).hasMessageEndingWith("; use the eager decoder");
        }
    }

    private String command(String line) {
        CliResult result = CliResult.of(folder.resolve("runs"), line.split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result.out();
    }

    private static void assertSameBits(Weights actual, Weights expected) {
        assertThat(actual.parameters()).isEqualTo(expected.parameters());
        for (Parameter parameter : expected.parameters()) {
            assertThat(actual.of(parameter)).as(parameter.name()).containsExactly(expected.of(parameter));
        }
    }
}
