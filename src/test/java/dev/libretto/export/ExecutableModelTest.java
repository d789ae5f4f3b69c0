package dev.libretto.export;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import dev.libretto.LibrettoException;
import dev.libretto.NativeMemory;
import dev.libretto.Rounding;
import dev.libretto.TestModels;
import dev.libretto.device.Host;
import dev.libretto.generate.TextModel;
import dev.libretto.model.CellType;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.text.Normalization;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.LongBuffer;
import java.nio.charset.Charset;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.ThrowingConsumer;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SavedModel;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** SavedModels and ONNX files compute the same as {@link LanguageModel}. */
@Tag("numeric")
class ExecutableModelTest {
    private static final int V = 11;
    private static final int H = 7;

    @TempDir
    private Path folder;

    static Stream<ModelConfig> models() {
        Stream<ModelConfig> cells = Stream.of(CellType.values())
                .flatMap(cell -> IntStream.of(1, 2).mapToObj(layers -> new ModelConfig(cell, V, H, layers)));
        return Stream.concat(
                cells,
                Stream.of(
                        new ModelConfig(CellType.GRU, V, H, 2, 5, false),
                        new ModelConfig(CellType.LSTM, V, H, 1, H, true)));
    }

    static Stream<Arguments> modelsAndFormats() {
        return models().flatMap(config -> Stream.of("savedmodel", "onnx").map(format -> Arguments.of(config, format)));
    }

    private static ExportedModel trained(ModelConfig config) {
        List<String> symbols =
                IntStream.range('一', '一' + V).mapToObj(Character::toString).toList();
        return new ExportedModel(
                new ModelSettings(config, true, Normalization.NONE, false, ""),
                Vocabulary.ofSymbols(symbols, false),
                TestModels.randomWeights(config, 1));
    }

    private Path write(ExportedModel model, String format) throws IOException {
        Path file = folder.resolve(format);
        if (format.equals("onnx")) {
            ExportFormat.ONNX.write(model, Layout.KERAS, file, false);
        } else {
            ExportFormat.SAVEDMODEL.write(model, Layout.KERAS, file, false);
        }
        return file;
    }

    /** The model itself, in eager mode. */
    private record Eager(ModelConfig config, Weights weights) implements TextModel {
        @Override
        public Step step(int[] ids, List<float[]> state) {
            try (EagerSession session = EagerSession.create()) {
                Ops tf = Ops.create(session);
                LanguageModel model = new LanguageModel(
                        tf, config, p -> tf.constant(p.shape(), DataBuffers.of(weights.of(p))), TFloat32.class);
                List<Operand<TFloat32>> operands = new ArrayList<>();
                for (float[] array : state) {
                    operands.add(tf.constant(Shape.of(ids.length, H), DataBuffers.of(array)));
                }
                LanguageModel.Output output = model.step(tf, tf.constant(ids), operands);
                return new Step(
                        FloatTensors.toArray(output.logits()),
                        output.state().stream().map(FloatTensors::toArray).toList());
            }
        }

        @Override
        public void close() {}
    }

    @ParameterizedTest
    @MethodSource("modelsAndFormats")
    void stepsMatchTheModel(ModelConfig config, String format) throws IOException {
        ExportedModel trained = trained(config);
        try (ExecutableModel opened = ExecutableModel.open(write(trained, format));
                TextModel expected = new Eager(config, trained.weights())) {
            assertThat(opened.settings()).isEqualTo(trained.settings());
            assertThat(opened.vocabulary().symbols())
                    .isEqualTo(trained.vocabulary().symbols());
            assertThat(opened.config().vocabularySize()).isEqualTo(V);
            for (int rows : new int[] {1, 3}) {
                List<float[]> state = TestModels.randomState(config, rows, 5);
                for (int t = 0; t < 5; t++) {
                    int[] ids = TestModels.randomIds(rows, V, t);
                    TextModel.Step theirs = opened.step(ids, state);
                    TextModel.Step ours = expected.step(ids, state);
                    Rounding.assertClose("logits", theirs.logits(), ours.logits(), Rounding.ofLogits(config, 1));
                    assertThat(theirs.state()).hasSameSizeAs(ours.state());
                    for (int i = 0; i < ours.state().size(); i++) {
                        Rounding.assertClose(
                                "state", theirs.state().get(i), ours.state().get(i), Rounding.ofLogits(config, 1));
                    }
                    state = ours.state();
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("modelsAndFormats")
    void greedyTextMatchesTheModel(ModelConfig config, String format) throws IOException {
        ExportedModel trained = trained(config);
        try (ExecutableModel opened = ExecutableModel.open(write(trained, format));
                TextModel expected = new Eager(config, trained.weights())) {
            List<float[]> zeros = opened.zeroState(1);
            assertThat(greedy(opened, zeros)).isEqualTo(greedy(expected, zeros));
        }
    }

    private static List<Integer> greedy(TextModel model, List<float[]> zeros) {
        List<Integer> text = new ArrayList<>(List.of(3));
        List<float[]> state = zeros;
        for (int i = 0; i < 60; i++) {
            TextModel.Step step = model.step(new int[] {text.get(i)}, state);
            state = step.state();
            int best = IntStream.range(0, V)
                    .reduce((a, b) -> step.logits()[a] >= step.logits()[b] ? a : b)
                    .orElseThrow();
            float[] sorted = step.logits().clone();
            Arrays.sort(sorted);
            double largest = Math.max(1, Math.max(sorted[V - 1], -sorted[0]));
            double error = largest * Rounding.ofLogits(model.config(), i + 1);
            assertThat(sorted[V - 1] - sorted[V - 2]).as("a clear winner").isGreaterThan((float) (2 * error));
            text.add(best);
        }
        return text;
    }

    /** Texts that end within, at the end of and after a round of the loop, and one with nothing to predict. */
    @ParameterizedTest
    @MethodSource("models")
    void scoresMatchTheModelsLogProbabilities(ModelConfig config) throws Exception {
        ExportedModel trained = trained(config);
        Path savedModel = write(trained, "savedmodel");
        Path onnx = write(trained, "onnx");
        try (SavedModelBundle bundle = SavedModelBundle.load(savedModel.toString(), "serve");
                OrtSession session = OrtEnvironment.getEnvironment().createSession(onnx.toString())) {
            for (int[] shape : new int[][] {{1, 1}, {2, 3}, {16, 1}, {17, 2}, {18, 1}, {40, 2}}) {
                int[] ids = TestModels.randomIds(shape[0] * shape[1], V, 7);
                float[] expected = logProbabilities(trained, ids, shape[1]);
                double error = Rounding.ofLoss(config, shape[0], 1);
                for (String signature : List.of("score", "serving_default")) {
                    Rounding.assertClose(signature, score(bundle, signature, ids, shape), expected, error);
                }
                Rounding.assertClose("ONNX", score(session, config, ids, shape), expected, error);
            }
        }
    }

    private static float[] logProbabilities(ExportedModel trained, int[] ids, int rows) {
        ModelConfig config = trained.settings().model();
        TextModel model = new Eager(config, trained.weights());
        List<float[]> state = model.zeroState(rows);
        float[] scores = new float[ids.length - rows];
        for (int from = 0; from < scores.length; from += rows) {
            TextModel.Step step = model.step(Arrays.copyOfRange(ids, from, from + rows), state);
            state = step.state();
            for (int row = 0; row < rows; row++) {
                float[] logits = Arrays.copyOfRange(step.logits(), row * V, (row + 1) * V);
                double sum = IntStream.range(0, V)
                        .mapToDouble(i -> Math.exp(logits[i]))
                        .sum();
                scores[from + row] = (float) (logits[ids[from + rows + row]] - Math.log(sum));
            }
        }
        return scores;
    }

    /** Returns one row of ids per text, as in a request to TensorFlow Serving. */
    private static float[] score(SavedModelBundle bundle, String signature, int[] ids, int[] shape) {
        int[] rows = transposed(ids, shape[0], shape[1]);
        try (TInt32 tensor = TInt32.tensorOf(Shape.of(shape[1], shape[0]), DataBuffers.of(rows));
                Result result = bundle.function(signature).call(Map.of("ids", tensor))) {
            TFloat32 scores = (TFloat32) result.get("log_probabilities").orElseThrow();
            assertThat(scores.shape()).isEqualTo(Shape.of(shape[1], shape[0] - 1));
            float[] values = FloatTensors.toArray(scores);
            float[] timeMajor = new float[values.length];
            for (int i = 0; i < values.length; i++) {
                timeMajor[i % (shape[0] - 1) * shape[1] + i / (shape[0] - 1)] = values[i];
            }
            return timeMajor;
        }
    }

    /** @param ids {@code [T, B]} */
    private static int[] transposed(int[] ids, int t, int b) {
        return IntStream.range(0, ids.length).map(i -> ids[i % t * b + i / t]).toArray();
    }

    private static float[] score(OrtSession session, ModelConfig config, int[] ids, int[] shape) throws Exception {
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        Map<String, OnnxTensor> inputs = new HashMap<>();
        long[] longs = Arrays.stream(ids).asLongStream().toArray();
        inputs.put(
                "ids", OnnxTensor.createTensor(environment, LongBuffer.wrap(longs), new long[] {shape[0], shape[1]}));
        for (int i = 0; i < config.layers() * config.cell().states(); i++) {
            inputs.put("state_" + i, OnnxTensor.createTensor(environment, new float[shape[1]][H]));
        }
        try (OrtSession.Result result = session.run(inputs, Set.of("log_probabilities"))) {
            OnnxTensor scores = (OnnxTensor) result.get(0);
            assertThat(scores.getInfo().getShape()).containsExactly(shape[0] - 1, shape[1]);
            float[] values = new float[(shape[0] - 1) * shape[1]];
            if (values.length > 0) {
                scores.getFloatBuffer().get(values);
            }
            return values;
        } finally {
            inputs.values().forEach(OnnxTensor::close);
        }
    }

    @Test
    void graphNamesItsAssets() throws IOException {
        Path directory = write(trained(new ModelConfig(CellType.RNN, V, H, 1)), "savedmodel");
        try (SavedModelBundle bundle = SavedModelBundle.load(directory.toString(), "serve")) {
            List<String> assets = bundle.metaGraphDef().getAssetFileDefList().stream()
                    .map(asset -> asset.getFilename())
                    .toList();
            assertThat(assets).containsExactly("vocabulary.json", "settings.json");
            for (String asset : assets) {
                assertThat(Files.isRegularFile(directory.resolve("assets").resolve(asset)))
                        .isTrue();
            }
        }
    }

    /** A vocabulary and a path that JNI calls in modified UTF-8 would corrupt. */
    @ParameterizedTest
    @ValueSource(strings = {"savedmodel", "onnx"})
    void emojiInVocabularyAndPathAreSupported(String format) throws IOException {
        assumeTrue(
                Charset.forName(System.getProperty("sun.jnu.encoding")).equals(UTF_8),
                "in this locale, Java has no file names with emoji");
        ModelConfig config = new ModelConfig(CellType.RNN, 4, H, 1);
        ExportedModel trained = new ExportedModel(
                new ModelSettings(config, true, Normalization.NONE, false, ""),
                Vocabulary.ofSymbols(List.of("a", "海", "😀", "𠮷"), false),
                TestModels.randomWeights(config, 1));
        folder = Files.createDirectory(folder.resolve("海 😀"));

        try (ExecutableModel opened = ExecutableModel.open(write(trained, format))) {
            assertThat(opened.vocabulary().symbols()).containsExactly("a", "海", "😀", "𠮷");
            assertThat(opened.step(new int[] {2}, opened.zeroState(1)).logits()).hasSize(4);
        }
    }

    @Test
    void directoryThatIsNotASavedModelIsRejected() throws IOException {
        assertThatThrownBy(() -> ExecutableModel.open(folder))
                .hasMessage(folder + ": it is not a SavedModel: it has no saved_model.pb");
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.createDirectory(folder.resolve("checkpoints"));
        assertThatThrownBy(() -> ExecutableModel.open(folder))
                .hasMessage(folder + ": it is a run, not an exported model; generate with the run, or export it");
    }

    /** Its shapes, which do not match the settings, are checked after the graph is loaded. */
    @Test
    void rejectedSavedModelIsFreed() throws IOException {
        Path directory = write(trained(new ModelConfig(CellType.GRU, V, H, 1)), "savedmodel");
        Path settings = directory.resolve("assets/settings.json");
        Files.writeString(settings, Files.readString(settings).replace("\"hiddenSize\" : 7", "\"hiddenSize\" : 8"));

        NativeMemory.assertFreedByFailing(() -> {
            try {
                ExecutableModel.open(directory);
            } catch (LibrettoException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    /** How a file is damaged, and the message about it. */
    static Stream<Arguments> damages() {
        ThrowingConsumer<Path> gone = Files::delete;
        ThrowingConsumer<Path> cut = file -> Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 3000));
        ThrowingConsumer<Path> large = file -> {
            try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
                sparse.setLength(Host.current().memory());
            }
        };
        ThrowingConsumer<Path> empty = file -> Files.write(file, new byte[0]);
        ThrowingConsumer<Path> text = file -> Files.writeString(file, "not a model");
        ThrowingConsumer<Path> larger = file ->
                Files.writeString(file, Files.readString(file).replace("\"hiddenSize\" : 7", "\"hiddenSize\" : 8"));
        ThrowingConsumer<Path> fewer =
                file -> Files.writeString(file, Files.readString(file).replace("\"一\", ", ""));
        return Stream.of(
                Arguments.of("savedmodel", "saved_model.pb", gone, "it has no saved_model.pb"),
                Arguments.of("savedmodel", "assets/vocabulary.json", gone, "it has no assets/vocabulary.json"),
                Arguments.of("savedmodel", "saved_model.pb", cut, "saved_model.pb is damaged: it cannot be loaded"),
                Arguments.of("savedmodel", "saved_model.pb", large, "the model needs at least "),
                Arguments.of("savedmodel", "saved_model.pb", empty, "saved_model.pb is damaged: it cannot be loaded"),
                Arguments.of("savedmodel", "saved_model.pb", text, "saved_model.pb is damaged: it cannot be loaded"),
                Arguments.of(
                        "savedmodel",
                        "saved_model.pb",
                        editedGraph(model ->
                                model.getGraphDefBuilder().getNodeBuilder(0).setName("two words")),
                        "saved_model.pb is damaged: it cannot be loaded"),
                Arguments.of(
                        "savedmodel",
                        "saved_model.pb",
                        editedGraph(model ->
                                model.getGraphDefBuilder().getNodeBuilder(0).clearAttr()),
                        "saved_model.pb is damaged: it cannot be loaded"),
                Arguments.of("savedmodel", "assets/settings.json", text, "settings.json is damaged: "),
                Arguments.of("savedmodel", "assets/settings.json", larger, "state_0 must be DT_FLOAT [-1, 8] (got"),
                Arguments.of("savedmodel", "assets/vocabulary.json", fewer, "10 characters, but vocabularySize is 11"),
                Arguments.of("onnx", "", gone, "there is no such file or directory"),
                Arguments.of("onnx", "", cut, "it is damaged or incomplete; export it again"),
                Arguments.of("onnx", "", empty, "it is not an ONNX model"),
                Arguments.of("onnx", "", text, "it is not an ONNX model"),
                Arguments.of(
                        "onnx",
                        "",
                        edited(model -> model.clearMetadataProps()),
                        "it was exported by Libretto, but its metadata has no settings; export it again"),
                Arguments.of("onnx", "", edited(model -> metadata(model, 1).setValue("5")), "is damaged: "),
                Arguments.of("onnx", "", edited(model -> metadata(model, 0).setValue("[\"a\"]")), "has 1 characters"),
                Arguments.of(
                        "onnx",
                        "",
                        edited(model -> metadata(model, 1)
                                .setValue(metadata(model, 1).getValue().replace(": 7", ": 8"))),
                        "state_0 must be FLOAT [-1, 8] (got"),
                Arguments.of(
                        "onnx",
                        "",
                        edited(model ->
                                model.getGraphBuilder().getInitializerBuilder(5).addDims(1L << 40)),
                        "it is damaged: ONNX Runtime cannot load it"));
    }

    private static StringStringEntryProto.Builder metadata(ModelProto.Builder model, int index) {
        return model.getMetadataPropsBuilder(index);
    }

    private static ThrowingConsumer<Path> edited(Consumer<ModelProto.Builder> edit) {
        return file -> {
            ModelProto.Builder model = ModelProto.parseFrom(Files.readAllBytes(file)).toBuilder();
            edit.accept(model);
            Files.write(file, model.build().toByteArray());
        };
    }

    private static ThrowingConsumer<Path> editedGraph(Consumer<MetaGraphDef.Builder> edit) {
        return file -> {
            SavedModel.Builder model = SavedModel.parseFrom(Files.readAllBytes(file)).toBuilder();
            edit.accept(model.getMetaGraphsBuilder(0));
            Files.write(file, model.build().toByteArray());
        };
    }

    /** TensorFlow looks for the operation of an output only when it runs. */
    @Test
    void savedModelThatCannotRunIsNamedInOneLine() throws Throwable {
        Path model = write(trained(new ModelConfig(CellType.GRU, V, H, 1)), "savedmodel");
        editedGraph(graph -> graph.putSignatureDef(
                        "step",
                        graph.getSignatureDefOrThrow("step").toBuilder()
                                .putOutputs(
                                        "logits",
                                        graph.getSignatureDefOrThrow("step").getOutputsOrThrow("logits").toBuilder()
                                                .setName("none:0")
                                                .build())
                                .build()))
                .accept(model.resolve("saved_model.pb"));

        try (ExecutableModel opened = ExecutableModel.open(model)) {
            assertThatThrownBy(() -> opened.step(new int[] {2}, opened.zeroState(1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage(model + ": TensorFlow cannot run it; export it again");
        }
    }

    @ParameterizedTest
    @MethodSource("damages")
    void damagedModelIsRejectedInOneLine(String format, String name, ThrowingConsumer<Path> damage, String message)
            throws Throwable {
        Path model = write(trained(new ModelConfig(CellType.GRU, V, H, 1)), format);
        damage.accept(name.isEmpty() ? model : model.resolve(name));

        assertThatThrownBy(() -> ExecutableModel.open(model))
                .isInstanceOf(IOException.class)
                .hasMessageStartingWith(model.toString())
                .hasMessageContaining(message)
                .message()
                .matches("[^\\p{Cntrl}]+");
    }
}
