package dev.libretto.benchmark;

import dev.libretto.run.RunConfig;
import java.util.List;

/**
 * A lower bound on the time of a training batch: TensorFlow's time for its matrix products alone, either at their real shapes
 * or at the rate of a large square product.
 */
final class MatMulBound implements AutoCloseable {
    private static final int SQUARE = 1024;
    private static final Product PEAK = new Product(SQUARE, SQUARE, SQUARE, false, false, 2);

    private final double operations;
    private final ProductTimer atShape;
    private final ProductTimer peak;

    MatMulBound(RunConfig config) {
        operations = operations(config);
        atShape = new ProductTimer(Product.ofBatch(config));
        try {
            peak = new ProductTimer(List.of(PEAK));
        } catch (RuntimeException e) {
            atShape.close();
            throw e;
        }
    }

    /** Returns the floating-point operations of a batch's matrix products. */
    static double operations(RunConfig config) {
        return Product.ofBatch(config).stream().mapToDouble(Product::operations).sum();
    }

    /** Measures the seconds of a batch's products at their real shapes. */
    double secondsAtShape() {
        return atShape.run();
    }

    /** Measures the seconds of as many operations in a product {@code [1024, 1024] · [1024, 1024]}. */
    double secondsAtPeak() {
        return peak.run() * operations / PEAK.operations();
    }

    @Override
    public void close() {
        atShape.close();
        peak.close();
    }
}
