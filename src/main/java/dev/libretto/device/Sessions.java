package dev.libretto.device;

import dev.libretto.LibrettoException;
import java.nio.file.Path;
import java.util.List;
import org.tensorflow.DeviceSpec;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.RunOptions;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/** Opens TensorFlow sessions on the device of the last {@link Devices.Choice#use}, which is the CPU at first. */
public final class Sessions {
    private static volatile Device device = Device.CPU;
    private static volatile Precision precision = Precision.FLOAT32;
    /** The hosts that compute parts; null if this host computes alone. */
    private static volatile Cluster cluster;

    private Sessions() {}

    /** Sets the device and precision of sessions opened from now on. */
    static void use(Device chosen, Precision wanted) {
        wanted.applyTo(chosen);
        device = chosen;
        precision = wanted;
    }

    /** Returns the type to which new graphs round the factors of matrix products. */
    public static Class<? extends TFloating> factorType() {
        return precision.factorType();
    }

    static Device device() {
        return device;
    }

    /** Sets the hosts that sessions for parts compute on from now on; null if this host computes alone. */
    public static void use(Cluster hosts) {
        cluster = hosts;
    }

    /** Returns the devices of all hosts that compute parts, or one without a name if there is no other. */
    public static List<DeviceSpec> places() {
        return cluster == null ? device.places() : cluster.devices();
    }

    /** Returns the number of GPUs of all hosts that compute parts; 0 if they compute on CPUs. */
    public static int countGpus() {
        return areOnGpu() ? places().size() : 0;
    }

    /**
     * Throws what a user can put right if a session for parts failed because of another host. Returns if the reason is another.
     *
     * @throws LostHostException if the hosts may compute again later
     */
    public static void explain(TensorFlowException failure) throws LibrettoException {
        if (cluster != null) {
            cluster.explain(failure);
        }
    }

    static Precision precision() {
        return precision;
    }

    /** Returns whether sessions compute on a GPU. */
    public static boolean areOnGpu() {
        return device.isGpu();
    }

    /** Returns whether products can be fused with the operations after them: on the CPU in float32. */
    public static boolean canFuseProducts() {
        return !device.isGpu() && factorType() == TFloat32.class;
    }

    /** Returns whether oneDNN computes products in float32, which rounds those of one row and of many alike if they are short. */
    public static boolean roundAlikeInBlocks() {
        return canFuseProducts() && OneDnn.current().isEnabled();
    }

    /** Returns an empty graph; the caller closes it. */
    public static Graph newGraph() {
        TensorFlowSetup.apply();
        return new Graph();
    }

    /** Opens a session; the caller closes it. */
    public static Session open(Graph graph) {
        return new Session(graph, device.config());
    }

    /** Opens a session on the CPU whatever the device, for file operations; the caller closes it. */
    public static Session openOnCpu(Graph graph) {
        return new Session(graph, Device.CPU.config());
    }

    /** Loads a SavedModel with its session; the caller closes it. */
    public static SavedModelBundle load(Path savedModel) {
        TensorFlowSetup.apply();
        return SavedModelBundle.loader(savedModel.toString())
                .withConfigProto(device.config())
                .load();
    }

    /**
     * Opens a session for a graph with parts that are computed at the same time; the caller closes it. An operation of several
     * parts is computed by one thread: threads that share a small operation wait for each other, and sums would depend on how
     * many there are.
     */
    public static PartsSession openForParts(Graph graph, int parts) {
        return cluster == null ? new PartsSession(graph, parts, device) : new PartsSession(graph, cluster);
    }

    /** Returns the options for the first run of a session for parts, which takes longest. */
    public static RunOptions firstRun() {
        return RunOptions.newBuilder()
                .setTimeoutInMs(
                        cluster == null ? 0 : cluster.firstBatchTimeout().toMillis())
                .build();
    }

    /** Throws if a host that computes parts is shutting down. */
    public static void requireNotShuttingDown() throws LostHostException {
        if (cluster != null) {
            cluster.requireNotShuttingDown();
        }
    }

    static ConfigProto configForParts(Device device, int parts) {
        ConfigProto config = device.config();
        // On GPUs, too, the optimizer could add up the parts in an order that depends on their places.
        return parts == 1
                ? config
                : config.toBuilder()
                        .mergeFrom(Device.withoutOptimizer())
                        .setIntraOpParallelismThreads(1)
                        .build();
    }

    /** Opens a session for a small graph that runs often; the caller closes it. It computes in the calling thread. */
    public static Session openForSmallRuns(Graph graph) {
        return new Session(
                graph,
                device.config().toBuilder().setInterOpParallelismThreads(-1).build());
    }

    /** Opens an eager session; the caller closes it. */
    public static EagerSession openEager() {
        return openEager(device);
    }

    /** Opens an eager session on the CPU whatever the device, for file operations; the caller closes it. */
    public static EagerSession openEagerOnCpu() {
        return openEager(Device.CPU);
    }

    private static EagerSession openEager(Device chosen) {
        TensorFlowSetup.apply();
        return EagerSession.options().config(chosen.config()).build();
    }
}
