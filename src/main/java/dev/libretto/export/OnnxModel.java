package dev.libretto.export;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.run.Json;
import dev.libretto.text.Vocabulary;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A model as an ONNX file: the graph of {@link OnnxGraph}, with the vocabulary and the settings in its metadata. */
final class OnnxModel implements ExecutableModel {
    /** Operator set 17 of 2022 has all that the graph needs, and every runtime since then reads it. */
    private static final long OPERATOR_SET = 17;
    /** The version of the file format that came with it. */
    private static final long IR_VERSION = 8;

    private static final String VOCABULARY = "vocabulary";
    private static final String SETTINGS = "settings";

    private final Path file;
    private final ModelSettings settings;
    private final Vocabulary vocabulary;
    private final OrtSession session;
    private final Set<String> outputs = new LinkedHashSet<>();

    private OnnxModel(Path file, ModelSettings settings, Vocabulary vocabulary, OrtSession session) {
        this.file = file;
        this.settings = settings;
        this.vocabulary = vocabulary;
        this.session = session;
        outputs.add(OnnxGraph.LOGITS);
        for (int i = 0; i < states(); i++) {
            outputs.add(OnnxGraph.nextState(i));
        }
    }

    /** Writes the file. */
    static void write(Path file, TrainedModel model) throws IOException {
        try (OutputStream output = new BufferedOutputStream(Files.newOutputStream(file))) {
            ModelProto.newBuilder()
                    .setIrVersion(IR_VERSION)
                    .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPERATOR_SET))
                    .setProducerName("Libretto")
                    .setDocString("A character-level language model; the metadata has the characters in id order.")
                    .setGraph(OnnxGraph.of(model.settings().model(), model.weights()))
                    .addMetadataProps(
                            metadata(VOCABULARY, Json.write(model.vocabulary().symbols())))
                    .addMetadataProps(metadata(SETTINGS, Json.write(model.settings())))
                    .build()
                    .writeTo(output);
        }
    }

    private static StringStringEntryProto metadata(String key, String value) {
        return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
    }

    /**
     * Loads an ONNX file that {@link #write} has written.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    static OnnxModel open(Path file) throws IOException {
        OrtSession session = null;
        OnnxModel model = null;
        try {
            session = OnnxRuntime.environment().createSession(file.toString());
            Map<String, String> metadata = session.getMetadata().getCustomMetadata();
            ModelSettings settings =
                    Json.parse(metadata(metadata, SETTINGS), file, new TypeReference<ModelSettings>() {});
            Vocabulary vocabulary = settings.vocabulary(
                    Json.parse(metadata(metadata, VOCABULARY), file, new TypeReference<List<String>>() {}));
            OnnxModel opened = new OnnxModel(file, settings, vocabulary, session);
            opened.requireGraph();
            model = opened;
            return model;
        } catch (OrtException | IllegalArgumentException e) {
            throw new WeightsException(file, "it cannot be loaded: " + e.getMessage(), e);
        } finally {
            if (model == null && session != null) {
                close(session);
            }
        }
    }

    private static String metadata(Map<String, String> metadata, String key) {
        if (!metadata.containsKey(key)) {
            throw new IllegalArgumentException("it is not a model that Libretto wrote, its metadata has no " + key);
        }
        return metadata.get(key);
    }

    /** @throws IllegalArgumentException if the graph has not the inputs and outputs that go with the settings */
    private void requireGraph() throws OrtException {
        long h = settings.model().hiddenSize();
        Map<String, NodeInfo> in = session.getInputInfo();
        Map<String, NodeInfo> out = session.getOutputInfo();
        require(in, OnnxGraph.IDS, OnnxJavaType.INT64, -1, -1);
        require(out, OnnxGraph.LOGITS, OnnxJavaType.FLOAT, -1, -1, vocabulary.size());
        for (int i = 0; i < states(); i++) {
            require(in, OnnxGraph.state(i), OnnxJavaType.FLOAT, -1, h);
            require(out, OnnxGraph.nextState(i), OnnxJavaType.FLOAT, -1, h);
        }
        if (in.size() != 1 + states()) {
            throw new IllegalArgumentException("it has the inputs " + in.keySet() + ", which are too many");
        }
    }

    private static void require(Map<String, NodeInfo> nodes, String name, OnnxJavaType type, long... shape) {
        NodeInfo node = nodes.get(name);
        if (node == null
                || !(node.getInfo() instanceof TensorInfo tensor)
                || tensor.type != type
                || !Arrays.equals(tensor.getShape(), shape)) {
            throw new IllegalArgumentException(name + " must be " + type + " " + Arrays.toString(shape) + "; it is "
                    + (node == null ? "missing" : node.getInfo()));
        }
    }

    @Override
    public ModelSettings settings() {
        return settings;
    }

    @Override
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    private int states() {
        return settings.model().layers() * settings.model().cell().states();
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        long rows = ids.length;
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        try {
            LongBuffer characters =
                    LongBuffer.wrap(Arrays.stream(ids).asLongStream().toArray());
            inputs.put(OnnxGraph.IDS, OnnxTensor.createTensor(environment, characters, new long[] {1, rows}));
            for (int i = 0; i < states(); i++) {
                long[] shape = {rows, settings.model().hiddenSize()};
                FloatBuffer values = FloatBuffer.wrap(state.get(i));
                inputs.put(OnnxGraph.state(i), OnnxTensor.createTensor(environment, values, shape));
            }
            try (OrtSession.Result result = session.run(inputs, outputs)) {
                List<float[]> next = new ArrayList<>();
                for (int i = 0; i < states(); i++) {
                    next.add(values(result, OnnxGraph.nextState(i)));
                }
                return new Step(values(result, OnnxGraph.LOGITS), next);
            }
        } catch (OrtException e) {
            throw new IllegalArgumentException(file + ": it cannot be run: " + e.getMessage(), e);
        } finally {
            inputs.values().forEach(OnnxTensor::close);
        }
    }

    private static float[] values(OrtSession.Result result, String name) {
        OnnxTensor tensor = (OnnxTensor) result.get(name).orElseThrow();
        FloatBuffer buffer = tensor.getFloatBuffer();
        float[] values = new float[buffer.remaining()];
        buffer.get(values);
        return values;
    }

    @Override
    public void close() {
        close(session);
    }

    private static void close(OrtSession session) {
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime could not free a model", e);
        }
    }
}
