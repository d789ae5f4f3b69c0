package dev.libretto.run;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.LibrettoException;
import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TString;
import org.tensorflow.types.family.TType;

/**
 * Reads and writes the files of a {@link Checkpoint}. The arrays are a TensorFlow checkpoint with each parameter under
 * its own name, so TensorFlow's tools can read it.
 */
final class CheckpointFiles {
    private static final String PREFIX = "weights";
    private static final String PROGRESS = "progress.json";

    private CheckpointFiles() {}

    /** Writes a checkpoint into an existing, empty directory and fsyncs it. */
    static void write(Checkpoint checkpoint, Path directory) throws IOException {
        try {
            writeArrays(checkpoint, directory);
        } catch (TensorFlowException e) {
            if (!Files.exists(directory)) {
                throw new NoSuchFileException(directory.toString());
            }
            throw new IOException(Disk.reason(e), e);
        }
        Files.writeString(directory.resolve(PROGRESS), Json.write(checkpoint.progress()));
        Checksums.write(directory);
        for (Path file : Disk.list(directory)) {
            Disk.sync(file);
        }
        Disk.syncDirectory(directory);
    }

    /** Feeds the arrays to a graph, because an eager session would hold its constants three times. */
    private static void writeArrays(Checkpoint checkpoint, Path directory) {
        List<TFloat32> tensors = new ArrayList<>();
        try (Graph graph = Sessions.newGraph();
                Session session = Sessions.openOnCpu(graph)) {
            Ops tf = Ops.create(graph);
            List<Parameter> arrays = new ArrayList<>();
            List<Operand<?>> values = new ArrayList<>();
            Session.Runner runner = session.runner();
            for (Weights part : List.of(checkpoint.weights(), checkpoint.slots(), checkpoint.state())) {
                for (Parameter array : part.parameters()) {
                    Placeholder<TFloat32> value = tf.placeholder(TFloat32.class, Placeholder.shape(array.shape()));
                    TFloat32 tensor = FloatTensors.of(array.shape(), part.of(array));
                    arrays.add(array);
                    values.add(value);
                    tensors.add(tensor);
                    runner.feed(value, tensor);
                }
            }
            runner.addTarget(tf.train.save(prefix(tf, directory), names(tf, arrays), wholeSlices(tf, arrays), values))
                    .run()
                    .close();
        } finally {
            tensors.forEach(Tensor::close);
        }
    }

    static Checkpoint read(Path directory, RunConfig config) throws IOException {
        Progress progress = readProgress(directory);
        try (EagerSession session = Sessions.openEagerOnCpu()) {
            Ops tf = Ops.create(session);
            Weights weights = restore(tf, directory, LanguageModel.parameters(config.model()));
            Weights slots = restore(tf, directory, Checkpoint.slotArrays(config.model(), config.training()));
            Weights state = restore(tf, directory, Checkpoint.stateArrays(config.model(), config.training()));
            return new Checkpoint(weights, slots, state, progress);
        } catch (TensorFlowException | IllegalArgumentException e) {
            throw new LibrettoException(directory + " cannot be read: " + Disk.reason(e), e);
        }
    }

    /** Reads the position of training, after verifying every file. */
    static Progress readProgress(Path directory) throws IOException {
        Checksums.verify(directory);
        return peekProgress(directory);
    }

    /** Reads the position of training without verifying other files. */
    static Progress peekProgress(Path directory) throws IOException {
        return Json.read(directory.resolve(PROGRESS), new TypeReference<>() {});
    }

    private static Weights restore(Ops tf, Path directory, List<Parameter> arrays) {
        if (arrays.isEmpty()) {
            return new Weights(List.of(), array -> new float[0]);
        }
        List<Class<? extends TType>> types =
                arrays.stream().<Class<? extends TType>>map(p -> TFloat32.class).toList();
        Iterator<Operand<TType>> restored = tf.train
                .restore(prefix(tf, directory), names(tf, arrays), wholeSlices(tf, arrays), types)
                .iterator();
        return new Weights(arrays, array -> values(array, restored.next()));
    }

    private static float[] values(Parameter parameter, Operand<TType> restored) {
        TFloat32 tensor = (TFloat32) restored.asTensor();
        if (!tensor.shape().equals(parameter.shape())) {
            throw new IllegalArgumentException(
                    parameter.name() + " has the shape " + tensor.shape() + ", not " + parameter.shape());
        }
        return FloatTensors.toArray(tensor);
    }

    private static Operand<TString> prefix(Ops tf, Path directory) {
        return tf.constant(directory.resolve(PREFIX).toString());
    }

    private static Operand<TString> names(Ops tf, List<Parameter> parameters) {
        return tf.array(parameters.stream().map(Parameter::name).toArray(String[]::new));
    }

    /** Returns an empty slice specification for each parameter, which means the whole array. */
    private static Operand<TString> wholeSlices(Ops tf, List<Parameter> parameters) {
        return tf.array(parameters.stream().map(p -> "").toArray(String[]::new));
    }
}
