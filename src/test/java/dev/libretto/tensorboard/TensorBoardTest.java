package dev.libretto.tensorboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.TestModels;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainStep.StepMetrics;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tensorflow.proto.Event;
import org.tensorflow.proto.HistogramProto;
import org.tensorflow.proto.Summary;

/** Reads the written event files back. */
@Tag("numeric")
class TensorBoardTest {
    private static final ModelConfig MODEL = new ModelConfig(CellType.RNN, 5, 3, 1);

    @TempDir
    private Path folder;

    private final Weights weights = TestModels.randomWeights(MODEL, 1);

    @Test
    void histogramsHoldNoNativeMemory() throws IOException {
        try (EventWriter writer = writer("a")) {
            writer.histograms(1, weights);
            long before = Pointer.totalCount();
            writer.histograms(2, weights);
            assertThat(Pointer.totalCount()).isLessThanOrEqualTo(before);
        }
    }

    @Test
    void writesScalarsHistogramsAndTexts() throws IOException {
        try (EventWriter writer = writer("a")) {
            writer.start(1);
            writer.scalars(8, Map.of("loss", 2.5, "rate", 100.0));
            writer.scalars(16, Map.of("loss", 1.25, "rate", 50.0));
            writer.histograms(16, weights);
            writer.text(16, List.of("分开 😀", "不分开"));
        }
        List<Event> events = EventFiles.read(folder);

        assertThat(events.get(0).getFileVersion()).isEqualTo("brain.Event:2");
        assertThat(EventFiles.shown(events, "loss")).hasSize(2).satisfies(loss -> {
            assertThat(loss.get(8L).getSimpleValue()).isEqualTo(2.5f);
            assertThat(loss.get(16L).getSimpleValue()).isEqualTo(1.25f);
        });
        assertThat(EventFiles.shown(events, "rate").get(16L).getSimpleValue()).isEqualTo(50);

        for (Parameter parameter : weights.parameters()) {
            HistogramProto histogram =
                    EventFiles.shown(events, parameter.name()).get(16L).getHisto();
            float[] values = weights.of(parameter);
            double sum = 0;
            double terms = 0;
            for (float value : values) {
                sum += value;
                terms += Math.abs(value);
            }
            assertThat(histogram.getNum()).isEqualTo(values.length);
            // Both add in double precision.
            assertThat(histogram.getSum()).isCloseTo(sum, within(2 * values.length * 0x1p-53 * terms));
        }

        Summary.Value text = EventFiles.shown(events, "text").get(16L);
        assertThat(text.getMetadata().getPluginData().getPluginName()).isEqualTo("text");
        assertThat(text.getTensor().getStringValList())
                .extracting(bytes -> bytes.toString(StandardCharsets.UTF_8))
                .containsExactly("分开 😀", "不分开");
    }

    @Test
    void sessionStartInvalidatesLaterSteps() throws IOException {
        try (EventWriter writer = writer("a")) {
            writer.start(1);
            writer.scalars(8, Map.of("loss", 3.0, "rate", 1.0));
            writer.scalars(16, Map.of("loss", 2.0, "rate", 1.0));
        }
        try (EventWriter writer = writer("b")) {
            writer.start(9);
            writer.scalars(16, Map.of("loss", 1.5, "rate", 1.0));
        }
        assertThat(EventFiles.shown(EventFiles.read(folder), "loss").values())
                .extracting(Summary.Value::getSimpleValue)
                .containsExactly(3f, 1.5f);
    }

    /** Epochs of two batches: a rollback to the end of the first, then a resumed run that repeats the last one. */
    @Test
    void repeatedStepsAreShownOnce() throws IOException {
        List<String> warnings = new ArrayList<>();
        try (RunDirectory run = run()) {
            try (TensorBoard tensorBoard = new TensorBoard(run, 2, warnings::add)) {
                tensorBoard.samplesGenerated(List.of("before a file is begun"));
                epoch(tensorBoard, 1, 3.0, 1f, 2f);
                epoch(tensorBoard, 2, 9.0, 50f, 60f);
                epoch(tensorBoard, 2, 2.0, 3f, 4f);
                tensorBoard.samplesGenerated(List.of("分开"));
                epoch(tensorBoard, 3, 8.0, 70f, 80f);
            }
            try (TensorBoard resumed = new TensorBoard(run, 2, warnings::add)) {
                epoch(resumed, 3, 1.0, 5f, 6f);
            }
            List<Event> events = EventFiles.read(run.tensorBoard());

            assertThat(EventFiles.shown(events, "loss")).hasSize(3);
            assertThat(EventFiles.shown(events, "loss").values())
                    .extracting(Summary.Value::getSimpleValue)
                    .containsExactly(3f, 2f, 1f);
            assertThat(EventFiles.shown(events, "gradient_norm").values())
                    .extracting(Summary.Value::getSimpleValue)
                    .containsExactly(1.5f, 3.5f, 5.5f);
            assertThat(EventFiles.shown(events, "validation_loss").values())
                    .extracting(Summary.Value::getSimpleValue)
                    .containsExactly(6f, 4f, 2f);
            assertThat(EventFiles.shown(events, "text").keySet()).containsExactly(4L);
            assertThat(EventFiles.shown(events, "dense/kernel").keySet()).containsExactly(4L);
        }
        assertThat(warnings).isEmpty();
    }

    @Test
    void failureIsWarnedAboutOnce() throws IOException {
        List<String> warnings = new ArrayList<>();
        try (RunDirectory run = run();
                TensorBoard tensorBoard = new TensorBoard(run, 1, warnings::add)) {
            Files.writeString(run.tensorBoard(), "a file is in the way");
            epoch(tensorBoard, 1, 3.0, 1f, 2f);
            epoch(tensorBoard, 2, 2.0, 1f, 2f);
        }
        assertThat(warnings).singleElement().asString().contains("training continues without it");
    }

    private void epoch(TensorBoard tensorBoard, int epoch, double loss, float... gradientNorms) {
        for (int i = 0; i < gradientNorms.length; i++) {
            Progress progress = new Progress(
                    epoch - 1,
                    i + 1,
                    (long) (epoch - 1) * gradientNorms.length + i + 1,
                    loss,
                    1,
                    null,
                    null,
                    1,
                    0,
                    null);
            tensorBoard.batchEnded(progress, gradientNorms.length, new StepMetrics(3, gradientNorms[i]));
        }
        tensorBoard.epochEnded(new EpochMetrics(epoch, loss, 1, 1000, 100, 0, 2 * loss), () -> weights);
    }

    private RunDirectory run() throws IOException {
        Corpus corpus = new Corpus("test", "abcde".codePoints().toArray());
        RunConfig config = new RunConfig(CorpusInfo.of(corpus), MODEL, TrainConfig.TEXTBOOK);
        return RunDirectory.create(folder.resolve("run"), config, Vocabulary.of(corpus), false);
    }

    private EventWriter writer(String suffix) throws IOException {
        return new EventWriter(folder, "." + suffix);
    }
}
