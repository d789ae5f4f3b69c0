package dev.libretto.benchmark;

import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches;
import dev.libretto.text.Batches.Sampling;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.LearningRate;
import dev.libretto.train.Optimizer;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainingData;
import java.io.IOException;
import java.util.Random;

/**
 * A model, its training and its text to measure.
 *
 * @param name {@code rnn}, {@code lstm} or {@code gru} in reports
 * @param text a description of the text
 * @param weights the initial weights
 */
public record Workload(
        String name, String text, RunConfig config, Vocabulary vocabulary, Batches batches, Weights weights) {
    /** As many symbols as Shakespeare's plays have. */
    private static final int ENGLISH_SYMBOLS = 65;

    private static final int LARGE_BATCHES = 4;

    /** Returns the textbook's run: a simple RNN of 256 units, 35 time steps, 32 rows, 10,000 characters of the built-in lyrics. */
    public static Workload rnn() throws IOException {
        return of(
                "rnn",
                "the first 10,000 characters of the built-in lyrics",
                Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS)),
                CellType.RNN,
                ModelConfig.DEFAULT_HIDDEN_SIZE,
                ModelConfig.DEFAULT_LAYERS,
                training(TrainConfig.TEXTBOOK.seqLength(), TrainConfig.TEXTBOOK.batchSize(), Sampling.CONSECUTIVE)
                        .with(c -> c.optimizer = Optimizer.TEXTBOOK));
    }

    /** Returns two LSTM layers of 512 units, 64 time steps, 64 rows, on a synthetic text of 65 symbols. */
    public static Workload lstm() {
        return large("lstm", CellType.LSTM);
    }

    /** Returns the same with GRU layers. */
    public static Workload gru() {
        return large("gru", CellType.GRU);
    }

    private static Workload large(String name, CellType cell) {
        TrainConfig training = training(64, 64, Sampling.CONSECUTIVE);
        Corpus text = syntheticText(ENGLISH_SYMBOLS, 64 * (64 * LARGE_BATCHES + 1));
        return of(name, "a synthetic text of 65 symbols", text, cell, 512, 2, training);
    }

    /** Returns the textbook's model in other sizes, on a synthetic text that fills one batch. */
    static Workload sized(int seqLength, int batchSize, int hiddenSize, int vocabularySize) {
        Corpus text = syntheticText(vocabularySize, Math.max(vocabularySize, batchSize * (seqLength + 1)));
        TrainConfig training = training(seqLength, batchSize, Sampling.CONSECUTIVE);
        return of("sized", "a synthetic text", text, CellType.RNN, hiddenSize, 1, training);
    }

    /** Returns the textbook's training with the given batches and a small learning rate. */
    static TrainConfig training(int seqLength, int batchSize, Sampling sampling) {
        return TrainConfig.TEXTBOOK
                .withBatches(seqLength, batchSize, sampling)
                .with(c -> c.optimizer = Optimizer.TEXTBOOK.withLearningRate(LearningRate.constant(1)));
    }

    /** Returns the constant learning rate. */
    double learningRate() {
        return config.training().optimizer().learningRate().rate();
    }

    static Workload of(
            String name, String text, Corpus corpus, CellType cell, int hiddenSize, int layers, TrainConfig training) {
        Vocabulary vocabulary = Vocabulary.of(corpus);
        ModelConfig model = new ModelConfig(cell, vocabulary.size(), hiddenSize, layers);
        Batches batches = TrainingData.of(training, vocabulary, corpus, null).batches();
        RunConfig config = new RunConfig(CorpusInfo.of(corpus), model, training);
        Weights weights = Initializers.draw(LanguageModel.parameters(model), training.seed());
        return new Workload(name, text, config, vocabulary, batches, weights);
    }

    /** Every symbol once, then lower ones more often than higher ones; the same on every call. */
    private static Corpus syntheticText(int symbols, int length) {
        Random random = new Random(1);
        int[] codePoints = new int[length];
        for (int i = 0; i < length; i++) {
            int symbol = i < symbols ? i : Math.min(random.nextInt(symbols), random.nextInt(symbols));
            codePoints[i] = ' ' + symbol;
        }
        return new Corpus("a synthetic text", codePoints);
    }

    /** Returns the checkpoint before training. */
    Checkpoint start() {
        return Checkpoint.start(config.model(), config.training(), weights);
    }
}
