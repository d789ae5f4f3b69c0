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
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import dev.libretto.LibrettoException;
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
import java.util.stream.Collectors;

/** An ONNX file: the graph of {@link OnnxGraph}, with vocabulary and settings in its metadata. */
final class OnnxModel implements ExecutableModel {
    /** Operator set 17, of 2022, has all operators of the graph and is supported by every runtime since. */
    private static final long OPERATOR_SET = 17;
    /** The version of the file format that came with operator set 17. */
    private static final long IR_VERSION = 8;

    /** The size limit of a protocol buffer. */
    private static final long MAX_BYTES = Integer.MAX_VALUE;

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

    static void write(Path file, ExportedModel model) throws IOException {
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
     * Opens an ONNX file written by {@link #write}.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    static OnnxModel open(Path file) throws IOException {
        byte[] content = read(file);
        ModelProto proto = parse(file, content);
        // ONNX Runtime returns metadata in modified UTF-8, which corrupts emoji.
        Map<String, String> metadata = proto.getMetadataPropsList().stream()
                .collect(Collectors.toMap(
                        StringStringEntryProto::getKey, StringStringEntryProto::getValue, (first, second) -> second));
        OrtSession session = null;
        OnnxModel model = null;
        try {
            ModelSettings settings =
                    Json.parse(metadata(proto, metadata, SETTINGS), file, new TypeReference<ModelSettings>() {});
            Vocabulary vocabulary = settings.vocabulary(
                    Json.parse(metadata(proto, metadata, VOCABULARY), file, new TypeReference<List<String>>() {}));
            session = OnnxRuntime.environment().createSession(content);
            OnnxModel opened = new OnnxModel(file, settings, vocabulary, session);
            opened.requireGraph();
            model = opened;
            return model;
        } catch (OrtException e) {
            throw LibrettoException.in(file, "it is damaged: ONNX Runtime cannot load it; export it again", e);
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(file, e.getMessage(), e);
        } finally {
            if (model == null && session != null) {
                close(session);
            }
        }
    }

    /** Returns the file's content, because ONNX Runtime cannot open a path with an emoji. */
    private static byte[] read(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw LibrettoException.in(file, "it has " + Files.size(file) + " bytes; an ONNX model has at most 2 GiB");
        }
        return Files.readAllBytes(file);
    }

    private static ModelProto parse(Path file, byte[] content) throws IOException {
        InvalidProtocolBufferException cause = null;
        try {
            // The weights share the memory of the content.
            CodedInputStream input = UnsafeByteOperations.unsafeWrap(content).newCodedInput();
            input.enableAliasing(true);
            ModelProto proto = ModelProto.parseFrom(input);
            if (proto.hasGraph()) {
                return proto;
            }
        } catch (InvalidProtocolBufferException e) {
            cause = e;
        }
        FileKind kind = FileKind.of(file);
        String problem = switch (kind) {
            case ONNX -> "it is damaged or incomplete; export it again";
            case SAFETENSORS -> "it is " + kind + ", which has only weights; convert it to a run with import";
            case KERAS, PYTORCH, NPZ -> "it is " + kind + "; name an ONNX model or SavedModel exported by Libretto";
            case OTHER -> "it is not an ONNX model";
        };
        throw LibrettoException.in(file, problem, cause);
    }

    private static String metadata(ModelProto proto, Map<String, String> metadata, String key) {
        if (!metadata.containsKey(key)) {
            String producer = proto.getProducerName().isEmpty() ? "" : " (by " + proto.getProducerName() + ")";
            throw new IllegalArgumentException("it was not exported by Libretto" + producer + ": its metadata has no "
                    + key + "; generate needs a model from export --format onnx");
        }
        return metadata.get(key);
    }

    /** @throws IllegalArgumentException if the graph's inputs and outputs do not match the settings */
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
            throw new IllegalArgumentException("it has unexpected inputs: " + in.keySet());
        }
    }

    private static void require(Map<String, NodeInfo> nodes, String name, OnnxJavaType type, long... shape) {
        NodeInfo node = nodes.get(name);
        if (node == null
                || !(node.getInfo() instanceof TensorInfo tensor)
                || tensor.type != type
                || !Arrays.equals(tensor.getShape(), shape)) {
            String found = node == null
                    ? "missing"
                    : node.getInfo() instanceof TensorInfo other
                            ? other.type + " " + Arrays.toString(other.getShape())
                            : "not a tensor";
            throw new IllegalArgumentException(
                    name + " must be " + type + " " + Arrays.toString(shape) + " (got " + found + ")");
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
            throw new IllegalArgumentException(file + ": ONNX Runtime cannot run it; export it again", e);
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
