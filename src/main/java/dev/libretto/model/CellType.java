package dev.libretto.model;

import dev.libretto.model.Parameter.Initializer;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.family.TFloating;

/** The recurrent cells. Their parameters have Keras's shapes and gate order. */
public enum CellType {
    /** The simple cell: {@link RnnCell}. */
    RNN(1, 1),
    /** The gated recurrent unit with the reset gate after the recurrent product: {@link GruCell}. */
    GRU(3, 1),
    /** The gated recurrent unit with the reset gate before the recurrent product: {@link GruResetBeforeCell}. */
    GRU_RESET_BEFORE(3, 1),
    /** The long short-term memory: {@link LstmCell}. */
    LSTM(4, 2);

    private final int gates;
    private final int states;

    CellType(int gates, int states) {
        this.gates = gates;
        this.states = states;
    }

    /** Returns G, the number of gates: blocks of H columns in the kernels. */
    public int gates() {
        return gates;
    }

    /** Returns the number of arrays {@code [B, H]} in its state. */
    public int states() {
        return states;
    }

    /**
     * Returns the parameters of a layer: kernel {@code [I, G·H]}, recurrent kernel {@code [H, G·H]} and bias {@code [G·H]}.
     * {@link #GRU} has a bias {@code [2, G·H]}; the second row is added to the recurrent product.
     *
     * @param layer counted from 0
     * @param inputSize I, the size of the layer's input
     * @param hiddenSize H
     */
    List<Parameter> parameters(int layer, int inputSize, int hiddenSize) {
        String prefix = "layer_" + layer + "/";
        long columns = (long) gates * hiddenSize;
        Shape biasShape = this == GRU ? Shape.of(2, columns) : Shape.of(columns);
        return List.of(
                new Parameter(prefix + "kernel", Shape.of(inputSize, columns), Initializer.GLOROT_UNIFORM),
                new Parameter(prefix + "recurrent_kernel", Shape.of(hiddenSize, columns), Initializer.ORTHOGONAL),
                new Parameter(
                        prefix + "bias", biasShape, this == LSTM ? Initializer.UNIT_FORGET_BIAS : Initializer.ZEROS));
    }

    /**
     * Returns the cell with the values of {@link #parameters}.
     *
     * @param factors the type that matrix products round their factors to
     */
    Cell create(
            Ops tf,
            List<Parameter> parameters,
            Function<Parameter, Operand<TFloat32>> valueOf,
            Class<? extends TFloating> factors) {
        Kernel<?> kernel = new Kernel<>(tf, valueOf.apply(parameters.get(0)), factors);
        Operand<TFloat32> recurrentKernel = valueOf.apply(parameters.get(1));
        Operand<TFloat32> bias = valueOf.apply(parameters.get(2));
        return switch (this) {
            case RNN -> new RnnCell(new InputProjection(tf, kernel, bias), new Kernel<>(tf, recurrentKernel, factors));
            case GRU -> new GruCell(tf, kernel, new Kernel<>(tf, recurrentKernel, factors), bias);
            case GRU_RESET_BEFORE ->
                new GruResetBeforeCell(tf, new InputProjection(tf, kernel, bias), recurrentKernel, factors);
            case LSTM ->
                new LstmCell(new InputProjection(tf, kernel, bias), new Kernel<>(tf, recurrentKernel, factors));
        };
    }

    /** Returns the name used on the command line and in configuration files. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
