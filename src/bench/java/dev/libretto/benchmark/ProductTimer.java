package dev.libretto.benchmark;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/**
 * Times a matrix product in a graph that has nothing else. Its chains run in parallel, each with a first factor of its own, like
 * the parts of a batch: TensorFlow computes equal products only once.
 */
final class ProductTimer implements AutoCloseable {
    private record Factor(Placeholder<TFloat32> placeholder, TFloat32 value) {}

    final Graph graph = Sessions.newGraph();
    private final Session session;
    private final List<Factor> factors = new ArrayList<>();
    private final List<Op> all = new ArrayList<>();

    ProductTimer(Product product) {
        try {
            add(Ops.create(graph), product, Sessions.factorType());
            session = Sessions.open(graph);
        } catch (RuntimeException e) {
            closeGraph();
            throw e;
        }
    }

    private <T extends TFloating> void add(Ops tf, Product product, Class<T> factors) {
        Operand<T> b = tf.dtypes.cast(factor(tf, product.transposeB(), product.k(), product.n()), factors);
        for (int chain = 0; chain < product.chains(); chain++) {
            Operand<T> a = tf.dtypes.cast(factor(tf, product.transposeA(), product.m(), product.k()), factors);
            List<Op> done = List.of();
            for (int i = 0; i < product.count(); i++) {
                done = List.of(tf.withControlDependencies(done)
                        .linalg
                        .matMul(
                                a,
                                b,
                                MatMul.transposeA(product.transposeA()),
                                MatMul.transposeB(product.transposeB())));
                all.addAll(done);
            }
        }
    }

    private Placeholder<TFloat32> factor(Ops tf, boolean transpose, int rows, int columns) {
        Shape shape = transpose ? Shape.of(columns, rows) : Shape.of(rows, columns);
        Placeholder<TFloat32> placeholder = tf.placeholder(TFloat32.class, Placeholder.shape(shape));
        factors.add(new Factor(placeholder, random(shape)));
        return placeholder;
    }

    private static TFloat32 random(Shape shape) {
        Random random = new Random(1);
        float[] values = new float[Math.toIntExact(shape.size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return FloatTensors.of(shape, values);
    }

    /** Returns the seconds of all chains. */
    double run() {
        Session.Runner runner = session.runner();
        factors.forEach(factor -> runner.feed(factor.placeholder(), factor.value()));
        // Products without a target would be pruned.
        all.forEach(runner::addTarget);
        long start = System.nanoTime();
        runner.run().close();
        return (System.nanoTime() - start) / 1e9;
    }

    @Override
    public void close() {
        session.close();
        closeGraph();
    }

    private void closeGraph() {
        graph.close();
        factors.forEach(factor -> factor.value().close());
    }
}
