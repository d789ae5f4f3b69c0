package dev.libretto.export;

import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnxruntime.NodeInfo;
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
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Json;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.MemoryEstimate;
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

/** An ONNX file: the graph of {@link OnnxGraph}, with vocabulary and settings in its metadata. */
final class OnnxModel extends ExecutableModel {
    /** Operator set 17, of 2022, has all operators of the graph and is supported by every runtime since. */
    private static final long OPERATOR_SET = 17;
    /** The version of the file format that came with operator set 17. */
    private static final long IR_VERSION = 8;

    /** The size limit of a protocol buffer. */
    private static final long MAX_BYTES = Integer.MAX_VALUE;

    private static final String PRODUCER = "Libretto";
    private static final String VOCABULARY = "vocabulary";
    private static final String SETTINGS = "settings";

    private final Path file;
    private final OrtSession session;
    /** Without the log-probabilities. */
    private final Set<String> outputs = new LinkedHashSet<>();

    private OnnxModel(Path file, ModelSettings settings, Vocabulary vocabulary, OrtSession session) {
        super(settings, vocabulary);
        this.file = file;
        this.session = session;
        outputs.add(LOGITS);
        for (int i = 0; i < config().states(); i++) {
            outputs.add(OnnxGraph.nextState(i));
        }
    }

    static void write(Path file, ExportedModel model) throws IOException {
        try (OutputStream output = Files.newOutputStream(file)) {
            ModelProto.newBuilder()
                    .setIrVersion(IR_VERSION)
                    .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(OPERATOR_SET))
                    .setProducerName(PRODUCER)
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

    static OnnxModel openFile(Path file) throws IOException {
        byte[] content = read(file);
        ModelProto proto = parse(file, content);
        try {
            ModelSettings settings = Json.parse(metadata(proto, SETTINGS), file, new TypeReference<>() {});
            Vocabulary vocabulary =
                    settings.vocabulary(Json.parse(metadata(proto, VOCABULARY), file, new TypeReference<>() {}));
            return new OnnxModel(file, settings, vocabulary, load(content, settings.model()));
        } catch (OrtException e) {
            throw LibrettoException.in(file, "it is damaged: ONNX Runtime cannot load it; export it again", e);
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(file, e.getMessage(), e);
        }
    }

    /** Returns the file's content, because ONNX Runtime cannot open a path with an emoji. */
    private static byte[] read(Path file) throws IOException {
        if (Files.size(file) > MAX_BYTES) {
            throw LibrettoException.in(file, "it has " + Files.size(file) + " bytes; an ONNX model has at most 2 GiB");
        }
        MemoryEstimate.ofFile(Files.size(file)).requireFits();
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

    /** Reads the protocol buffer, because ONNX Runtime returns metadata in modified UTF-8, which corrupts emoji. */
    private static String metadata(ModelProto proto, String key) {
        String producer = proto.getProducerName();
        return proto.getMetadataPropsList().stream()
                .filter(property -> property.getKey().equals(key))
                .map(StringStringEntryProto::getValue)
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        producer.equals(PRODUCER)
                                ? "it was exported by Libretto, but its metadata has no " + key + "; export it again"
                                : "it was not exported by Libretto" + (producer.isEmpty() ? "" : ", but by " + producer)
                                        + ": its metadata has no " + key + "; export the model with Libretto"));
    }

    private static OrtSession load(byte[] content, ModelConfig model) throws IOException, OrtException {
        OrtSession session = OnnxRuntime.environment().createSession(content);
        try {
            requireGraph(session, model);
            return session;
        } catch (OrtException | IllegalArgumentException e) {
            session.close();
            throw e;
        }
    }

    private static void requireGraph(OrtSession session, ModelConfig model) throws OrtException {
        Map<String, String> in = described(session.getInputInfo());
        Map<String, String> out = described(session.getOutputInfo());
        String state = "FLOAT [-1, " + model.hiddenSize() + "]";
        require(in, IDS, "INT64 [-1, -1]");
        require(out, LOGITS, "FLOAT [-1, -1, " + model.vocabularySize() + "]");
        for (int i = 0; i < model.states(); i++) {
            require(in, state(i), state);
            require(out, OnnxGraph.nextState(i), state);
        }
        if (in.size() != 1 + model.states()) {
            throw new IllegalArgumentException("it has unexpected inputs: " + in.keySet());
        }
    }

    private static Map<String, String> described(Map<String, NodeInfo> nodes) {
        Map<String, String> described = new LinkedHashMap<>();
        nodes.forEach((name, node) -> described.put(
                name,
                node.getInfo() instanceof TensorInfo tensor
                        ? tensor.type + " " + Arrays.toString(tensor.getShape())
                        : "not a tensor"));
        return described;
    }

    @Override
    public Step step(int[] ids, List<float[]> state) {
        long rows = ids.length;
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
        try {
            LongBuffer characters =
                    LongBuffer.wrap(Arrays.stream(ids).asLongStream().toArray());
            inputs.put(IDS, OnnxTensor.createTensor(environment, characters, new long[] {1, rows}));
            for (int i = 0; i < state.size(); i++) {
                FloatBuffer values = FloatBuffer.wrap(state.get(i));
                long[] shape = {rows, config().hiddenSize()};
                inputs.put(state(i), OnnxTensor.createTensor(environment, values, shape));
            }
            try (OrtSession.Result result = session.run(inputs, outputs)) {
                List<float[]> next = new ArrayList<>();
                for (int i = 0; i < state.size(); i++) {
                    next.add(values(result, OnnxGraph.nextState(i)));
                }
                return new Step(values(result, LOGITS), next);
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
        try {
            session.close();
        } catch (OrtException e) {
            throw new IllegalStateException("ONNX Runtime could not free a model", e);
        }
    }
}
