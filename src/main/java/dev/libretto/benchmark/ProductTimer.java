package dev.libretto.benchmark;

import dev.libretto.device.Sessions;
import dev.libretto.model.FloatTensors;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.tensorflow.Graph;
import org.tensorflow.Session;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.op.linalg.MatMul;
import org.tensorflow.types.TFloat32;

/** Does a {@link Product} in TensorFlow with nothing around it, and takes the time. */
final class ProductTimer implements AutoCloseable {
    private final Graph graph = new Graph();
    private final Session session;
    private final Placeholder<TFloat32> a;
    private final Placeholder<TFloat32> b;
    private final List<Op> products = new ArrayList<>();
    private final TFloat32 aValue;
    private final TFloat32 bValue;

    ProductTimer(Product product) {
        Shape aShape = product.transposeA() ? Shape.of(product.k(), product.m()) : Shape.of(product.m(), product.k());
        Shape bShape = product.transposeB() ? Shape.of(product.n(), product.k()) : Shape.of(product.k(), product.n());
        Ops tf = Ops.create(graph);
        a = tf.placeholder(TFloat32.class, Placeholder.shape(aShape));
        b = tf.placeholder(TFloat32.class, Placeholder.shape(bShape));
        for (int i = 0; i < product.count(); i++) {
            Ops afterTheLast = i == 0 ? tf : tf.withControlDependencies(List.of(products.get(i - 1)));
            products.add(afterTheLast.linalg.matMul(
                    a, b, MatMul.transposeA(product.transposeA()), MatMul.transposeB(product.transposeB())));
        }
        session = Sessions.open(graph);
        aValue = random(aShape);
        bValue = random(bShape);
    }

    private static TFloat32 random(Shape shape) {
        Random random = new Random(1);
        float[] values = new float[Math.toIntExact(shape.size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() - 0.5f;
        }
        return FloatTensors.of(shape, values);
    }

    /** The seconds that all of them took. */
    double run() {
        Session.Runner runner = session.runner().feed(a, aValue).feed(b, bValue);
        // A product that is asked for is done, although nobody reads what it gives.
        products.forEach(runner::addTarget);
        long start = System.nanoTime();
        runner.run().close();
        return (System.nanoTime() - start) / 1e9;
    }

    @Override
    public void close() {
        session.close();
        graph.close();
        aValue.close();
        bValue.close();
    }
}
