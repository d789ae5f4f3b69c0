package dev.libretto.train;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;

/**
 * The graph of one training step: the model unrolled over T time steps, the mean softmax cross entropy of its logits, the
 * gradients that TensorFlow derives from it, clipped by their global norm, and their descent:
 *
 * <pre>
 *     loss   = mean over t, b of −log softmax(logits[t·B + b])[targets[t, b]]
 *     g      = d loss / d w               for every parameter w
 *     norm   = √(Σ |g|²)                  over all parameters together
 *     w      = w − learning_rate · min(1, clip_norm / norm) · g
 * </pre>
 *
 * <p>Clipping after Pascanu, Mikolov and Bengio (2013).
 */
final class TrainingGraph {
    /** The characters, {@code [T, B]}. */
    final Placeholder<TInt32> inputs;
    /** The character after each, {@code [T, B]}. */
    final Placeholder<TInt32> targets;
    /** The state before the first time step, each {@code [B, H]}. */
    final List<Placeholder<TFloat32>> state;
    /** A scalar. */
    final Placeholder<TFloat32> learningRate;

    final Variables variables;
    /** The mean cross entropy in nats, a scalar. */
    final Operand<TFloat32> loss;
    /** The gradient of the loss for each parameter, before clipping, in the parameters' order. */
    final List<Operand<TFloat32>> gradients;
    /** The global norm of the gradients before clipping, a scalar. */
    final Operand<TFloat32> gradientNorm;
    /** The state after the last time step, each {@code [B, H]}. */
    final List<Operand<TFloat32>> nextState;
    /** What to run for the parameters to change. */
    final Op update;

    TrainingGraph(Graph graph, ModelConfig config, int seqLength, int batchSize, double clipNorm) {
        Ops tf = Ops.create(graph);
        Shape ids = Shape.of(seqLength, batchSize);
        inputs = tf.withName("inputs").placeholder(TInt32.class, Placeholder.shape(ids));
        targets = tf.withName("targets").placeholder(TInt32.class, Placeholder.shape(ids));
        state = statePlaceholders(tf, config, batchSize);
        learningRate = tf.withName("learning_rate").placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));

        variables = new Variables(tf, LanguageModel.parameters(config));
        LanguageModel model = new LanguageModel(tf, config, variables::of);
        LanguageModel.Output output = model.unroll(tf, inputs, new ArrayList<>(state));
        nextState = output.state();
        CrossEntropy crossEntropy = CrossEntropy.of(tf.withSubScope("cross_entropy"), output.logits(), targets);
        loss = tf.withSubScope("loss").math.mean(crossEntropy.losses(), tf.constant(0));

        gradients = Gradients.of(
                graph,
                tf.withSubScope("kernel_gradients"),
                output.logits(),
                crossEntropy.gradient(),
                variables.outputs());
        gradientNorm = globalNorm(tf.withSubScope("clip"), gradients);
        update = descend(tf.withSubScope("descend"), clipNorm);
    }

    /** A placeholder for each array of the state. */
    static List<Placeholder<TFloat32>> statePlaceholders(Ops tf, ModelConfig config, int batchSize) {
        List<Placeholder<TFloat32>> placeholders = new ArrayList<>();
        for (Shape shape : LanguageModel.stateShapes(config, batchSize)) {
            placeholders.add(tf.withName("state").placeholder(TFloat32.class, Placeholder.shape(shape)));
        }
        return placeholders;
    }

    private static Operand<TFloat32> globalNorm(Ops tf, List<Operand<TFloat32>> gradients) {
        List<Operand<TFloat32>> halfSquares = new ArrayList<>();
        for (Operand<TFloat32> gradient : gradients) {
            halfSquares.add(tf.nn.l2Loss(gradient));
        }
        return tf.withName("global_norm").math.sqrt(tf.math.mul(tf.constant(2f), tf.math.addN(halfSquares)));
    }

    private Op descend(Ops tf, double clipNorm) {
        Operand<TFloat32> limit = tf.constant((float) clipNorm);
        Operand<TFloat32> factor = tf.withName("clip_factor").math.div(limit, tf.math.maximum(gradientNorm, limit));
        Operand<TFloat32> rate = tf.math.mul(learningRate, factor);
        List<Op> updates = new ArrayList<>();
        List<Operand<TFloat32>> all = variables.all();
        for (int i = 0; i < all.size(); i++) {
            updates.add(tf.train.applyGradientDescent(all.get(i), rate, gradients.get(i)));
        }
        return tf.withControlDependencies(updates).withName("update").noOp();
    }
}
