package dev.libretto.device;

import java.nio.file.Path;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.RewriterConfig;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * Opens TensorFlow's sessions on the device that this process computes on, the CPU until another is chosen. TensorFlow
 * numbers the cards once for all sessions of a process, so the choice is the process's too.
 */
public final class Sessions {
    private static volatile Device device = Device.CPU;
    private static volatile Precision precision = Precision.FLOAT32;

    private Sessions() {}

    /**
     * Has the sessions that are opened from now on compute on a device.
     *
     * @throws DeviceException if the device does not have the precision
     */
    public static void use(Device chosen, Precision wanted) throws DeviceException {
        wanted.applyTo(chosen);
        device = chosen;
        precision = wanted;
    }

    /** The type to which the factors of matrix products are to be rounded in graphs that are built from now on. */
    public static Class<? extends TFloating> factorType() {
        return precision.factorType();
    }

    /** Whether sessions compute on a GPU. */
    public static boolean areOnGpu() {
        return device.isGpu();
    }

    /** Whether a product can be one operation with what follows it: on the CPU in float32. */
    public static boolean canFuseProducts() {
        return !device.isGpu() && factorType() == TFloat32.class;
    }

    /** An empty graph; the caller closes it. */
    public static Graph newGraph() {
        TensorFlowSetup.apply();
        return new Graph();
    }

    /** A session that runs a graph; the caller closes it. */
    public static Session open(Graph graph) {
        return new Session(graph, device.config());
    }

    /** A session that runs a graph on the CPU whatever the device, for files and the like; the caller closes it. */
    public static Session openOnCpu(Graph graph) {
        return new Session(graph, Device.CPU.config());
    }

    /** A SavedModel with its session; the caller closes it. */
    public static SavedModelBundle load(Path savedModel) {
        TensorFlowSetup.apply();
        return SavedModelBundle.loader(savedModel.toString())
                .withConfigProto(device.config())
                .load();
    }

    /**
     * A session for a graph that is run often and does little each time; the caller closes it. It computes in the thread that
     * runs it, and each operation stays the one that eager mode computes: fused ones round differently.
     */
    public static Session openForSmallRuns(Graph graph) {
        ConfigProto.Builder config = device.config().toBuilder().setInterOpParallelismThreads(-1);
        config.getGraphOptionsBuilder().getRewriteOptionsBuilder().setRemapping(RewriterConfig.Toggle.OFF);
        return new Session(graph, config.build());
    }

    /** A session that computes eagerly; the caller closes it. */
    public static EagerSession openEager() {
        return openEager(device);
    }

    /** An eager session on the CPU whatever the device, for files and the like; the caller closes it. */
    public static EagerSession openEagerOnCpu() {
        return openEager(Device.CPU);
    }

    private static EagerSession openEager(Device chosen) {
        TensorFlowSetup.apply();
        return EagerSession.options().config(chosen.config()).build();
    }
}
