package dev.libretto.model;

import dev.libretto.device.Sessions;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.tensorflow.EagerSession;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.linalg.Qr;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/** Draws a model's initial weights, which depend only on the seed and each parameter's index in the model. */
public final class Initializers {
    private Initializers() {}

    /** Returns initial weights. They are always drawn on the CPU, so the same seed gives the same bits. */
    public static Weights draw(List<Parameter> parameters, long seed) {
        return draw(parameters, seed, index -> {});
    }

    /**
     * Returns initial weights and reports progress.
     *
     * @param progress receives each parameter's index before it is drawn
     */
    public static Weights draw(List<Parameter> parameters, long seed, IntConsumer progress) {
        return new Weights(parameters, parameter -> {
            int index = parameters.indexOf(parameter);
            progress.accept(index);
            return draw(parameter, index, seed);
        });
    }

    /** @param index of the parameter in its model */
    static float[] draw(Parameter parameter, int index, long seed) {
        // An eager session keeps its tensors until it is closed.
        try (EagerSession session = Sessions.openEagerOnCpu()) {
            return values(Ops.create(session), parameter, new long[] {seed, index});
        }
    }

    private static float[] values(Ops tf, Parameter parameter, long[] key) {
        return switch (parameter.initializer()) {
            case ZEROS -> new float[parameter.size()];
            case UNIT_FORGET_BIAS -> unitForgetBias(parameter.size());
            case GLOROT_UNIFORM -> uniform(tf, parameter.shape(), key, glorotLimit(parameter.shape()));
            case UNIT_UNIFORM -> uniform(tf, parameter.shape(), key, 1);
            case ORTHOGONAL -> orthogonal(tf, parameter.shape(), key);
        };
    }

    private static float[] unitForgetBias(int size) {
        float[] bias = new float[size];
        Arrays.fill(bias, size / 4, size / 2, 1);
        return bias;
    }

    private static double glorotLimit(Shape shape) {
        return Math.sqrt(6.0 / (shape.get(0) + shape.get(1)));
    }

    private static float[] uniform(Ops tf, Shape shape, long[] key, double limit) {
        Operand<TFloat32> unit = tf.random.statelessRandomUniform(tf.constant(shape), tf.constant(key));
        return FloatTensors.toArray(
                tf.math.mul(tf.math.sub(unit, tf.constant(0.5f)), tf.constant((float) (2 * limit))));
    }

    /** The Q of a random normal matrix, with signs that make it unique; a wide matrix is a tall one transposed. */
    private static float[] orthogonal(Ops tf, Shape shape, long[] key) {
        long rows = shape.get(0);
        long columns = shape.get(1);
        Shape tall = Shape.of(Math.max(rows, columns), Math.min(rows, columns));
        Operand<TFloat32> normal = tf.random.statelessRandomNormal(tf.constant(tall), tf.constant(key));
        Qr<TFloat32> qr = tf.linalg.qr(normal);
        Operand<TFloat32> q = tf.math.mul(qr.q(), tf.math.sign(tf.linalg.tensorDiagPart(qr.r())));
        Operand<TInt32> swap = tf.constant(new int[] {1, 0});
        return FloatTensors.toArray(rows < columns ? tf.linalg.transpose(q, swap) : q);
    }
}
