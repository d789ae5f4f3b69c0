package dev.libretto.export;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.LibrettoException;
import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowSetup;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Json;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.MemoryEstimate;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.SessionFunction;
import org.tensorflow.Signature;
import org.tensorflow.Tensor;
import org.tensorflow.exceptions.TFResourceExhaustedException;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.AssetFileDef;
import org.tensorflow.proto.MetaGraphDef;
import org.tensorflow.proto.SignatureDef;
import org.tensorflow.proto.TensorInfo;
import org.tensorflow.proto.TensorShapeProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TString;

/**
 * A TensorFlow SavedModel: {@code saved_model.pb}, which is the graph of {@link SavedModelGraph} with its weights, and
 * the assets {@code vocabulary.json} and {@code settings.json}.
 */
final class SavedModel extends ExecutableModel {
    /** The relative paths in an exported SavedModel, including the fingerprint that TensorFlow may add. */
    static final Predicate<String> OWN = Pattern.compile(
                    "saved_model\\.pb|fingerprint\\.pb|assets(/(vocabulary|settings)\\.json)?"
                            + "|variables(/variables\\.(index|data-\\d{5}-of-\\d{5}))?")
            .asMatchPredicate();

    private static final String GRAPH = "saved_model.pb";
    private static final String ASSETS = "assets";
    private static final String VOCABULARY = "vocabulary.json";
    private static final String SETTINGS = "settings.json";

    private final Path directory;
    private final SavedModelBundle bundle;
    private final SessionFunction step;

    private SavedModel(Path directory, ModelSettings settings, Vocabulary vocabulary, SavedModelBundle bundle) {
        super(settings, vocabulary);
        this.directory = directory;
        this.bundle = bundle;
        this.step = bundle.function(SavedModelGraph.STEP);
    }

    static void write(Path directory, ExportedModel model) throws IOException {
        Path assets = Files.createDirectory(directory.resolve(ASSETS));
        Files.writeString(
                assets.resolve(VOCABULARY), Json.write(model.vocabulary().symbols()));
        Files.writeString(assets.resolve(SETTINGS), Json.write(model.settings()));
        try (OutputStream output = Files.newOutputStream(directory.resolve(GRAPH))) {
            org.tensorflow.proto.SavedModel.newBuilder()
                    .setSavedModelSchemaVersion(1)
                    .addMetaGraphs(metaGraph(model))
                    .build()
                    .writeTo(output);
        }
    }

    private static MetaGraphDef metaGraph(ExportedModel model) {
        try (Graph graph = Sessions.newGraph()) {
            SavedModelGraph built = new SavedModelGraph(graph, model.settings().model(), model.weights());
            MetaGraphDef.Builder metaGraph = MetaGraphDef.newBuilder()
                    .setMetaInfoDef(MetaGraphDef.MetaInfoDef.newBuilder()
                            .addTags(SavedModelBundle.DEFAULT_TAG)
                            .setTensorflowVersion(TensorFlowSetup.version()));
            SignatureDef score = signatureDef(built.score());
            metaGraph
                    .putSignatureDef(SavedModelGraph.STEP, signatureDef(built.step()))
                    .putSignatureDef(SavedModelGraph.SCORE, score)
                    .putSignatureDef(Signature.DEFAULT_KEY, score);
            for (String asset : List.of(VOCABULARY, SETTINGS)) {
                metaGraph.addAssetFileDef(asset(Ops.create(graph), asset));
            }
            return metaGraph.setGraphDef(graph.toGraphDef()).build();
        }
    }

    private static SignatureDef signatureDef(Signature signature) {
        SignatureDef.Builder definition = SignatureDef.newBuilder().setMethodName(signature.methodName());
        signature.getInputs().forEach((name, tensor) -> definition.putInputs(name, tensorInfo(tensor)));
        signature.getOutputs().forEach((name, tensor) -> definition.putOutputs(name, tensorInfo(tensor)));
        return definition.build();
    }

    private static TensorInfo tensorInfo(Signature.TensorDescription tensor) {
        TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
        for (long size : tensor.shape.asArray()) {
            shape.addDim(TensorShapeProto.Dim.newBuilder().setSize(size));
        }
        return TensorInfo.newBuilder()
                .setName(tensor.name)
                .setDtype(tensor.dataType)
                .setTensorShape(shape)
                .build();
    }

    /** Adds the file's name to the graph, where a loader replaces it by its path. */
    private static AssetFileDef asset(Ops tf, String file) {
        Operand<TString> path = tf.withSubScope(ASSETS).withName(file).constant(file);
        return AssetFileDef.newBuilder()
                .setFilename(file)
                .setTensorInfo(
                        TensorInfo.newBuilder().setName(path.asOutput().op().name() + ":0"))
                .build();
    }

    static SavedModel openDirectory(Path directory) throws IOException {
        Path assets = directory.resolve(ASSETS);
        if (!Files.isRegularFile(directory.resolve(GRAPH))) {
            boolean isRun = Files.exists(directory.resolve("config.json"))
                    && Files.isDirectory(directory.resolve("checkpoints"));
            throw LibrettoException.in(
                    directory,
                    isRun
                            ? "it is a run, not an exported model; generate with the run, or export it"
                            : "it is not a SavedModel: it has no " + GRAPH);
        }
        for (Path file : List.of(assets.resolve(VOCABULARY), assets.resolve(SETTINGS))) {
            if (!Files.isRegularFile(file)) {
                throw LibrettoException.in(
                        directory,
                        "it was not exported by Libretto: it has no " + directory.relativize(file)
                                + "; export the model with Libretto");
            }
        }
        ModelSettings settings = Json.read(assets.resolve(SETTINGS), new TypeReference<>() {});
        List<String> symbols = Json.read(assets.resolve(VOCABULARY), new TypeReference<>() {});
        try {
            Vocabulary vocabulary = settings.vocabulary(symbols);
            return new SavedModel(directory, settings, vocabulary, load(directory, settings.model()));
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(directory, e.getMessage(), e);
        }
    }

    private static SavedModelBundle load(Path directory, ModelConfig model) throws IOException {
        MemoryEstimate.ofFile(Files.size(directory.resolve(GRAPH))).requireFits();
        SavedModelBundle bundle;
        try {
            bundle = Sessions.load(directory);
        } catch (TFResourceExhaustedException e) {
            throw e;
        } catch (RuntimeException e) {
            // The exception's type depends on what is damaged, and its message is TensorFlow's, in several lines.
            throw LibrettoException.in(directory, GRAPH + " is damaged: it cannot be loaded; export it again", e);
        }
        try {
            requireStep(bundle, model);
            return bundle;
        } catch (RuntimeException e) {
            bundle.close();
            throw e;
        }
    }

    private static void requireStep(SavedModelBundle bundle, ModelConfig model) {
        if (!bundle.metaGraphDef().containsSignatureDef(SavedModelGraph.STEP)) {
            throw new IllegalArgumentException("it has no signature " + SavedModelGraph.STEP);
        }
        Signature step = bundle.function(SavedModelGraph.STEP).signature();
        Map<String, String> in = described(step.getInputs());
        Map<String, String> out = described(step.getOutputs());
        String state = "DT_FLOAT [-1, " + model.hiddenSize() + "]";
        require(in, IDS, "DT_INT32 [-1]");
        require(out, LOGITS, "DT_FLOAT [-1, " + model.vocabularySize() + "]");
        for (int i = 0; i < model.states(); i++) {
            require(in, state(i), state);
            require(out, state(i), state);
        }
    }

    private static Map<String, String> described(Map<String, Signature.TensorDescription> tensors) {
        Map<String, String> described = new HashMap<>();
        tensors.forEach((name, tensor) -> described.put(name, tensor.dataType + " " + tensor.shape));
        return described;
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        List<Shape> shapes = LanguageModel.stateShapes(config(), ids.length);
        Map<String, Tensor> inputs = new HashMap<>();
        try {
            inputs.put(IDS, TInt32.tensorOf(Shape.of(ids.length), DataBuffers.of(ids)));
            for (int i = 0; i < shapes.size(); i++) {
                inputs.put(state(i), FloatTensors.of(shapes.get(i), state.get(i)));
            }
            try (Result result = step.call(inputs)) {
                List<float[]> next = new ArrayList<>();
                for (int i = 0; i < shapes.size(); i++) {
                    next.add(values(result, state(i)));
                }
                return new Step(values(result, LOGITS), next);
            }
        } catch (TFResourceExhaustedException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new IllegalArgumentException(directory + ": TensorFlow cannot run it; export it again", e);
        } finally {
            inputs.values().forEach(Tensor::close);
        }
    }

    private static float[] values(Result result, String name) {
        return FloatTensors.toArray((TFloat32) result.get(name).orElseThrow());
    }

    @Override
    public void close() {
        bundle.close();
    }
}
