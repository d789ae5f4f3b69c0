package dev.libretto.tensorboard;

import com.google.protobuf.ByteString;
import dev.libretto.device.Sessions;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.op.Ops;
import org.tensorflow.proto.DataType;
import org.tensorflow.proto.Event;
import org.tensorflow.proto.SessionLog;
import org.tensorflow.proto.SessionLog.SessionStatus;
import org.tensorflow.proto.Summary;
import org.tensorflow.proto.SummaryMetadata;
import org.tensorflow.proto.SummaryMetadata.PluginData;
import org.tensorflow.proto.TensorProto;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TString;

/**
 * Writes an event file: events as protocol buffers, framed as TFRecords (<a
 * href="https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details">specification</a>).
 */
final class EventWriter implements AutoCloseable {
    private static final SummaryMetadata TEXT = SummaryMetadata.newBuilder()
            .setPluginData(PluginData.newBuilder().setPluginName("text"))
            .build();

    private final OutputStream file;

    /** Starts a file whose name contains the time and the suffix. */
    EventWriter(Path directory, String suffix) throws IOException {
        long seconds = System.currentTimeMillis() / 1000;
        String name = String.format(Locale.ROOT, "events.out.tfevents.%010d.libretto%s", seconds, suffix);
        file = Files.newOutputStream(directory.resolve(name));
        try {
            write(Event.newBuilder().setFileVersion("brain.Event:2"));
        } catch (IOException e) {
            file.close();
            throw e;
        }
    }

    /** Invalidates the events of older files from this step on. */
    void start(long atStep) throws IOException {
        write(Event.newBuilder()
                .setStep(atStep)
                .setSessionLog(SessionLog.newBuilder().setStatus(SessionStatus.START)));
    }

    void scalars(long atStep, Map<String, Double> values) throws IOException {
        Summary.Builder summary = Summary.newBuilder();
        values.forEach((tag, value) -> summary.addValueBuilder().setTag(tag).setSimpleValue(value.floatValue()));
        write(Event.newBuilder().setStep(atStep).setSummary(summary));
    }

    void histograms(long atStep, Weights weights) throws IOException {
        for (Parameter parameter : weights.parameters()) {
            try (EagerSession session = Sessions.openEagerOnCpu()) {
                Ops tf = Ops.create(session);
                Operand<TFloat32> values = tf.constant(parameter.shape(), DataBuffers.of(weights.of(parameter)));
                Operand<TString> summary = tf.summary.histogramSummary(tf.constant(parameter.name()), values);
                byte[] bytes = summary.asTensor().asBytes().getObject();
                write(Event.newBuilder().setStep(atStep).setSummary(Summary.parseFrom(bytes)));
            }
        }
    }

    void text(long atStep, List<String> texts) throws IOException {
        TensorProto.Builder tensor = TensorProto.newBuilder().setDtype(DataType.DT_STRING);
        tensor.getTensorShapeBuilder().addDimBuilder().setSize(texts.size());
        texts.forEach(text -> tensor.addStringVal(ByteString.copyFromUtf8(text)));
        Summary.Builder summary = Summary.newBuilder();
        summary.addValueBuilder().setTag("text").setMetadata(TEXT).setTensor(tensor);
        write(Event.newBuilder().setStep(atStep).setSummary(summary));
    }

    /** Writes a record: the length, its checksum, the event, its checksum. */
    private void write(Event.Builder event) throws IOException {
        byte[] bytes =
                event.setWallTime(System.currentTimeMillis() / 1000.0).build().toByteArray();
        ByteBuffer record = ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + bytes.length)
                .order(ByteOrder.LITTLE_ENDIAN);
        record.putLong(bytes.length);
        record.putInt(checksum(record.array(), Long.BYTES)).put(bytes).putInt(checksum(bytes, bytes.length));
        file.write(record.array());
    }

    private static int checksum(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return Integer.rotateRight((int) crc.getValue(), 15) + 0xa282ead8;
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
