package dev.libretto.benchmark;

import dev.libretto.run.RunConfig;
import java.util.List;

/**
 * The time below which no training batch can go while TensorFlow does its matrix products: that of the products alone, as
 * they are, and as if each were done at the rate of a large square one.
 */
final class Floor implements AutoCloseable {
    private static final int SQUARE = 1024;
    private static final Product PEAK = new Product(SQUARE, SQUARE, SQUARE, false, false, 2);

    private final double operations;
    private final ProductTimer atShape;
    private final ProductTimer peak;

    Floor(RunConfig config) {
        operations = operations(config);
        atShape = new ProductTimer(Product.ofBatch(config));
        try {
            peak = new ProductTimer(List.of(PEAK));
        } catch (RuntimeException e) {
            atShape.close();
            throw e;
        }
    }

    /** The floating-point operations of a batch's products. */
    static double operations(RunConfig config) {
        return Product.ofBatch(config).stream().mapToDouble(Product::operations).sum();
    }

    /** Measures the seconds that a batch's products take at their real shapes. */
    double secondsAtShape() {
        return atShape.run();
    }

    /** Measures the seconds that as many operations take in a product {@code [1024, 1024] · [1024, 1024]}. */
    double secondsAtPeak() {
        return peak.run() * operations / PEAK.operations();
    }

    @Override
    public void close() {
        atShape.close();
        peak.close();
    }
}
