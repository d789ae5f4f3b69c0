package dev.libretto.model;

import dev.libretto.model.Parameter.Initializer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TFloating;
import org.tensorflow.types.family.TNumber;

/**
 * A character-level recurrent language model: stacked layers of a recurrent cell, and a dense layer that computes the logits of
 * the next character from the last cell's output:
 *
 * <pre>
 *     logits = h · W + b
 * </pre>
 *
 * <p>with the kernel W {@code [H, V]} and the bias b {@code [V]}. A character enters the first cell as a one-hot vector
 * {@code [V]} or as its row of an embedding {@code [V, E]}; W can be the embedding's transpose. With the {@link Ops} of a graph
 * the model builds a graph; with those of an eager session it computes eagerly.
 *
 * <p>A state is a list of arrays {@code [B, H]}: those of the first layer's cell, then the next layer's.
 */
public final class LanguageModel {
    /**
     * The output of the model.
     *
     * @param logits the scores of the next character: {@code [T·B, V]} unrolled, {@code [B, V]} for a step
     * @param state the state after the last time step
     */
    public record Output(Operand<TFloat32> logits, List<Operand<TFloat32>> state) {}

    private record Layer(InputProjection input, Cell.Recurrent recurrent, Cell cell) {}

    private final ModelConfig config;
    private final Class<? extends TFloating> factors;
    private final List<Layer> layers = new ArrayList<>();
    /** The layers if cuDNN computes them. */
    private final List<CudnnRecurrence> ofCudnn = new ArrayList<>();
    /** W {@code [H, V]}, or the embedding {@code [V, H]} as its transpose. */
    private final Kernel<?> denseKernel;

    private final Operand<TFloat32> denseBias;

    /**
     * @param valueOf returns each of {@link #parameters} as an operand of {@code tf}
     * @param factors the type that matrix products round their factors to, float32 or bfloat16
     */
    public LanguageModel(
            Ops tf,
            ModelConfig config,
            Function<Parameter, Operand<TFloat32>> valueOf,
            Class<? extends TFloating> factors) {
        this(tf, config, valueOf, factors, Blocks.NONE);
    }

    /** Creates a model with a choice of how the products of {@link #step} are formed. */
    public LanguageModel(
            Ops tf,
            ModelConfig config,
            Function<Parameter, Operand<TFloat32>> valueOf,
            Class<? extends TFloating> factors,
            Blocks blocks) {
        this(tf, config, valueOf, RecurrenceType.UNROLLED, factors, blocks);
    }

    /**
     * Creates a model with a choice of {@link #unroll}'s implementation.
     *
     * @param factors the type that matrix products round their factors to; cuDNN ignores it
     * @throws IllegalArgumentException if the recurrence does not support the cell
     */
    public LanguageModel(
            Ops tf,
            ModelConfig config,
            Function<Parameter, Operand<TFloat32>> valueOf,
            RecurrenceType recurrence,
            Class<? extends TFloating> factors) {
        this(tf, config, valueOf, recurrence, factors, Blocks.NONE);
    }

    private LanguageModel(
            Ops tf,
            ModelConfig config,
            Function<Parameter, Operand<TFloat32>> valueOf,
            RecurrenceType recurrence,
            Class<? extends TFloating> factors,
            Blocks blocks) {
        this.config = config;
        this.factors = factors;
        Iterator<Operand<TFloat32>> values =
                parameters(config).stream().map(valueOf).iterator();
        Operand<TFloat32> embedding = config.hasEmbedding() ? values.next() : null;
        for (int layer = 0; layer < config.layers(); layer++) {
            Operand<TFloat32> ofLayer = layer == 0 ? embedding : null;
            Operand<TFloat32> kernel = values.next();
            Operand<TFloat32> recurrentKernel = values.next();
            Operand<TFloat32> bias = values.next();
            if (recurrence == RecurrenceType.CUDNN) {
                if (config.endSymbol()) {
                    throw new IllegalArgumentException("cuDNN cannot zero the state where a document begins");
                }
                ofCudnn.add(new CudnnRecurrence(config.cell(), ofLayer, kernel, recurrentKernel, bias));
                continue;
            }
            if (ofLayer != null) {
                // A one-hot vector times E times W is a row of E · W, so embedded characters are a lookup, too.
                kernel = new Kernel<>(tf, kernel, factors).apply(tf.withName("embedded"), embedding);
            }
            List<? extends Operand<TFloat32>> biases = config.cell().spec().hasRecurrentBias()
                    ? tf.unstack(bias, 2L).output()
                    : Arrays.asList(bias, null);
            InputProjection input = new InputProjection(
                    tf, new Kernel<>(tf, kernel, factors, false, layer == 0 ? Blocks.NONE : blocks), biases.get(0));
            Cell.Recurrent recurrent = new Cell.Recurrent(tf, recurrentKernel, biases.get(1), factors, blocks);
            layers.add(new Layer(input, recurrent, config.cell().create(recurrent)));
        }
        boolean isTied = config.tieEmbeddings();
        denseKernel = new Kernel<>(tf, isTied ? embedding : values.next(), factors, isTied, blocks);
        denseBias = values.next();
    }

    /** Returns all parameters in order: embedding, layers, dense layer. */
    public static List<Parameter> parameters(ModelConfig config) {
        int v = config.vocabularySize();
        int h = config.hiddenSize();
        List<Parameter> parameters = new ArrayList<>();
        if (config.hasEmbedding()) {
            // Rows within ±1 would make the logits of a tied output layer large.
            Initializer rows = config.tieEmbeddings() ? Initializer.GLOROT_UNIFORM : Initializer.UNIT_UNIFORM;
            parameters.add(new Parameter("embedding", Shape.of(v, config.embeddingSize()), rows));
        }
        for (int layer = 0; layer < config.layers(); layer++) {
            parameters.addAll(config.cell().parameters(layer, config.inputSize(layer), config.readsOneHot(layer), h));
        }
        if (!config.tieEmbeddings()) {
            parameters.add(new Parameter("dense/kernel", Shape.of(h, v), Initializer.GLOROT_UNIFORM));
        }
        parameters.add(new Parameter("dense/bias", Shape.of(v), Initializer.ZEROS));
        return List.copyOf(parameters);
    }

    /** Returns how many numbers all parameters have. */
    public static long countParameters(ModelConfig config) {
        return parameters(config).stream().mapToLong(Parameter::size).sum();
    }

    /** Returns the shape of each array of the state for {@code batchSize} rows. */
    public static List<Shape> stateShapes(ModelConfig config, int batchSize) {
        Shape shape = Shape.of(batchSize, config.hiddenSize());
        return Collections.nCopies(config.states(), shape);
    }

    /**
     * Adds all time steps of a batch to a graph, layer by layer, with dropout of each layer's outputs. The state
     * is zero before the end of a document, with which the next one begins. The graph can be differentiated.
     *
     * @param ids the characters, {@code [T, B]} with a known T and, for dropout, B
     * @param state the state before the first time step
     * @return logits {@code [T·B, V]}, row {@code t·B + b} for time step t of row b
     */
    public Output unroll(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state, Dropout dropout) {
        return unroll(tf, ids, state, dropout, true);
    }

    /** Adds all time steps of a batch, without dropout, to a graph that will not be differentiated. */
    public Output unroll(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        return unroll(tf, ids, state, Dropout.NONE, false);
    }

    private Output unroll(
            Ops tf,
            Operand<? extends TNumber> ids,
            List<Operand<TFloat32>> state,
            Dropout dropout,
            boolean isDifferentiable) {
        List<Operand<TFloat32>> next = new ArrayList<>();
        Operand<TFloat32> rows = null;
        Operand<TFloat32> carry = config.endSymbol() ? carry(tf.withSubScope("documents"), ids) : null;
        try (TimeSteps steps = new TimeSteps(config.cell(), factors, isDifferentiable)) {
            for (int layer = 0; layer < config.layers(); layer++) {
                Ops ofLayer = tf.withSubScope("layer_" + layer);
                Recurrence recurrence = recurrence(layer, steps, carry);
                Recurrence.Sequence read = rows == null
                        ? recurrence.readCharacters(ofLayer, ids, stateOf(layer, state))
                        : recurrence.readRows(ofLayer, rows, ids.shape(), stateOf(layer, state));
                next.addAll(read.state());
                rows = dropout.apply(
                        ofLayer.withSubScope("dropout"),
                        read.outputs(),
                        ids.shape().get(1),
                        layer);
            }
        }
        return new Output(logits(tf.withSubScope("dense"), rows), next);
    }

    /** Returns 0 where a document begins, and 1 elsewhere, {@code [T, B, 1]}. */
    private <T extends TNumber> Operand<TFloat32> carry(Ops tf, Operand<T> ids) {
        Operand<T> end = tf.dtypes.cast(tf.constant(config.end()), ids.type());
        Operand<TFloat32> carry = tf.dtypes.cast(tf.math.notEqual(ids, end), TFloat32.class);
        return tf.expandDims(carry, tf.constant(2));
    }

    private Recurrence recurrence(int layer, TimeSteps steps, Operand<TFloat32> carry) {
        return layers.isEmpty()
                ? ofCudnn.get(layer)
                : new UnrolledRecurrence(
                        steps, layers.get(layer).input(), layers.get(layer).recurrent(), carry);
    }

    /**
     * Computes one time step; the model must not be cuDNN's.
     *
     * @param ids a character for each row, {@code [B]}
     */
    public Output step(Ops tf, Operand<TInt32> ids, List<Operand<TFloat32>> state) {
        return step(tf, layers.get(0).input().lookup(tf, ids), state, false);
    }

    /** Returns the first cell's projection of every character, {@code [V, G·H]}. */
    public Operand<TFloat32> projections() {
        return layers.get(0).input().table();
    }

    /**
     * Computes one time step of one row on the CPU in float32, in fewer operations than {@link #step} and with other rounding.
     *
     * @param projection the character's row of {@link #projections}, {@code [G·H]}
     */
    public Output stepOneRow(Ops tf, Operand<TFloat32> projection, List<Operand<TFloat32>> state) {
        return step(tf, projection, state, true);
    }

    private Output step(Ops tf, Operand<TFloat32> projection, List<Operand<TFloat32>> state, boolean fused) {
        List<Operand<TFloat32>> next = new ArrayList<>();
        Operand<TFloat32> output = null;
        for (int layer = 0; layer < layers.size(); layer++) {
            InputProjection input = layers.get(layer).input();
            Cell cell = layers.get(layer).cell();
            List<Operand<TFloat32>> before = stateOf(layer, state);
            Cell.Step step;
            if (layer == 0) {
                step = fused ? cell.stepOneRow(tf, projection, before) : cell.step(tf, projection, before);
            } else {
                step = cell.step(tf, fused ? input.applyFused(tf, output) : input.apply(tf, output), before);
            }
            output = step.output();
            next.addAll(step.state());
        }
        Operand<TFloat32> logits =
                fused ? denseKernel.fused(tf, output, denseBias, Kernel.Activation.NONE) : logits(tf, output);
        return new Output(logits, next);
    }

    private List<Operand<TFloat32>> stateOf(int layer, List<Operand<TFloat32>> state) {
        int states = config.cell().states();
        return state.subList(layer * states, (layer + 1) * states);
    }

    /** @param outputs the last cell's outputs, {@code [N, H]} */
    private Operand<TFloat32> logits(Ops tf, Operand<TFloat32> outputs) {
        return tf.nn.biasAdd(denseKernel.apply(tf, outputs), denseBias);
    }
}
