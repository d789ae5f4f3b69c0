package dev.libretto.tensorboard;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.NdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.summary.SummaryWriter;
import org.tensorflow.proto.Event;
import org.tensorflow.proto.SessionLog;
import org.tensorflow.proto.SessionLog.SessionStatus;
import org.tensorflow.proto.SummaryMetadata;
import org.tensorflow.proto.SummaryMetadata.PluginData;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.TString;
import org.tensorflow.types.family.TType;

/** Writes an event file with TensorFlow's summary operations, in a graph that is built once. */
final class EventWriter implements AutoCloseable {
    private static final int MAX_QUEUE = 100;
    private static final int FLUSH_MILLIS = 10_000;

    private record Write(Placeholder<? extends TType> value, Op operation) {}

    private final Graph graph = Sessions.newGraph();
    private final Session session;
    private final Placeholder<TInt64> step;
    private final Map<String, Write> scalars = new LinkedHashMap<>();
    private final Map<Parameter, Write> histograms = new LinkedHashMap<>();
    private final Write text;
    private final Write event;
    private final Op flush;
    private final Op finish;

    /**
     * Starts a file whose name contains the time and the suffix.
     *
     * @param scalarTags the tags of all scalars
     * @param parameters the arrays of all histograms
     */
    EventWriter(Path directory, String suffix, List<String> scalarTags, List<Parameter> parameters) {
        Op create;
        try {
            Ops tf = Ops.create(graph);
            SummaryWriter writer = tf.summary.summaryWriter(SummaryWriter.sharedName("events"));
            create = tf.summary.createSummaryFileWriter(
                    writer,
                    tf.constant(directory.toString()),
                    tf.constant(MAX_QUEUE),
                    tf.constant(FLUSH_MILLIS),
                    tf.constant(suffix));
            step = tf.placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));
            for (String tag : scalarTags) {
                Placeholder<TFloat32> value = tf.placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
                scalars.put(
                        tag, new Write(value, tf.summary.writeScalarSummary(writer, step, tf.constant(tag), value)));
            }
            for (Parameter parameter : parameters) {
                Placeholder<TFloat32> value = tf.placeholder(TFloat32.class, Placeholder.shape(parameter.shape()));
                Operand<TString> tag = tf.constant(parameter.name());
                histograms.put(parameter, new Write(value, tf.summary.writeHistogramSummary(writer, step, tag, value)));
            }
            Placeholder<TString> lines = tf.placeholder(TString.class, Placeholder.shape(Shape.of(-1)));
            text = new Write(
                    lines,
                    tf.summary.writeSummary(writer, step, lines, tf.constant("text"), bytes(tf, textMetadata())));
            Placeholder<TString> proto = tf.placeholder(TString.class, Placeholder.shape(Shape.scalar()));
            event = new Write(proto, tf.summary.importEvent(writer, proto));
            flush = tf.summary.flushSummaryWriter(writer);
            finish = tf.summary.closeSummaryWriter(writer);
            session = Sessions.openOnCpu(graph);
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
        try {
            session.runner().addTarget(create).run().close();
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private static byte[] textMetadata() {
        return SummaryMetadata.newBuilder()
                .setPluginData(PluginData.newBuilder().setPluginName("text"))
                .build()
                .toByteArray();
    }

    private static Operand<TString> bytes(Ops tf, byte[] value) {
        try (TString tensor = TString.tensorOfBytes(NdArrays.scalarOfObject(value))) {
            return tf.constantOf(tensor);
        }
    }

    /** Invalidates the events of older files from this step on. */
    void start(long atStep) {
        Event start = Event.newBuilder()
                .setWallTime(System.currentTimeMillis() / 1000.0)
                .setStep(atStep)
                .setSessionLog(SessionLog.newBuilder().setStatus(SessionStatus.START))
                .build();
        try (TString value = TString.tensorOfBytes(NdArrays.scalarOfObject(start.toByteArray()))) {
            session.runner()
                    .feed(event.value(), value)
                    .addTarget(event.operation())
                    .run()
                    .close();
        }
    }

    /** Writes scalars by tag. */
    void scalars(long atStep, Map<String, Double> values) {
        List<Tensor> tensors = new ArrayList<>();
        Map<Write, Tensor> feeds = new LinkedHashMap<>();
        values.forEach((tag, value) -> {
            Tensor tensor = TFloat32.scalarOf(value.floatValue());
            tensors.add(tensor);
            feeds.put(scalars.get(tag), tensor);
        });
        try {
            run(atStep, feeds);
        } finally {
            tensors.forEach(Tensor::close);
        }
    }

    /** Writes the histogram of every parameter. */
    void histograms(long atStep, Weights weights) {
        histograms.forEach((parameter, write) -> {
            try (TFloat32 value = FloatTensors.of(parameter.shape(), weights.of(parameter))) {
                run(atStep, Map.of(write, value));
            }
        });
    }

    /** Writes texts. */
    void text(long atStep, List<String> texts) {
        NdArray<String> lines = NdArrays.vectorOfObjects(texts.toArray(String[]::new));
        try (TString value = TString.tensorOf(StandardCharsets.UTF_8, lines)) {
            run(atStep, Map.of(text, value));
        }
    }

    private void run(long atStep, Map<Write, Tensor> values) {
        try (TInt64 stepValue = TInt64.scalarOf(atStep)) {
            Session.Runner runner = session.runner().feed(step, stepValue);
            values.forEach((write, value) -> runner.feed(write.value(), value).addTarget(write.operation()));
            runner.run().close();
        }
    }

    /** Flushes the file. */
    void flush() {
        session.runner().addTarget(flush).run().close();
    }

    /** Closes the file. */
    void finish() {
        session.runner().addTarget(finish).run().close();
    }

    @Override
    public final void close() {
        session.close();
        graph.close();
    }
}
