package dev.libretto.benchmark;

import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Sampling;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.LearningRate;
import dev.libretto.train.Optimizer;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.util.Random;

/**
 * What is measured: a model, how it is trained, and on what.
 *
 * @param name {@code rnn} or {@code lstm} in reports
 * @param text where the text comes from, in words
 * @param weights the first weights
 */
public record Workload(
        String name, String text, RunConfig config, Vocabulary vocabulary, Batches batches, Weights weights) {
    /** The letters, digits and signs of an English text, as many as the plays of Shakespeare have. */
    private static final int ENGLISH_SYMBOLS = 65;

    private static final int LSTM_BATCHES = 4;

    /** The textbook's run: a simple RNN of 256 units, 35 time steps, 32 rows, 10,000 characters of the built-in lyrics. */
    public static Workload rnn() throws IOException {
        return of(
                "rnn",
                "the first 10,000 characters of the built-in lyrics",
                Corpus.builtIn(CorpusOptions.WHOLE_TEXT.withMaxChars(CorpusOptions.DEFAULT_MAX_CHARS)),
                CellType.RNN,
                ModelConfig.DEFAULT_HIDDEN_SIZE,
                ModelConfig.DEFAULT_LAYERS,
                TrainConfig.TEXTBOOK);
    }

    /** Two LSTM layers of 512 units, 64 time steps, 64 rows, on a made-up text of 65 symbols. */
    public static Workload lstm() {
        TrainConfig training = training(64, 64, Sampling.CONSECUTIVE);
        Corpus text = syntheticText(ENGLISH_SYMBOLS, 64 * (64 * LSTM_BATCHES + 1));
        return of("lstm", "a made-up text of 65 symbols", text, CellType.LSTM, 512, 2, training);
    }

    /** The textbook's model in other sizes, on a made-up text that fills one batch. */
    static Workload sized(int seqLength, int batchSize, int hiddenSize, int vocabularySize) {
        Corpus text = syntheticText(vocabularySize, Math.max(vocabularySize, batchSize * (seqLength + 1)));
        TrainConfig training = training(seqLength, batchSize, Sampling.CONSECUTIVE);
        return of("sized", "a made-up text", text, CellType.RNN, hiddenSize, 1, training);
    }

    /** The textbook's training but for the sizes, with steps that are small. */
    static TrainConfig training(int seqLength, int batchSize, Sampling sampling) {
        return TrainConfig.TEXTBOOK
                .withBatches(seqLength, batchSize, sampling)
                .withOptimizer(Optimizer.TEXTBOOK.withLearningRate(LearningRate.constant(1)));
    }

    /** The learning rate of every step. */
    double learningRate() {
        return config.training().optimizer().learningRate().rate();
    }

    static Workload of(
            String name, String text, Corpus corpus, CellType cell, int hiddenSize, int layers, TrainConfig training) {
        Vocabulary vocabulary = Vocabulary.of(corpus);
        ModelConfig model = new ModelConfig(cell, vocabulary.size(), hiddenSize, layers);
        Batches batches = new Batches(
                vocabulary.encode(corpus),
                training.batchSize(),
                training.seqLength(),
                training.sampling(),
                training.seed());
        RunConfig config = new RunConfig(CorpusInfo.of(corpus), model, training);
        Weights weights = Initializers.draw(LanguageModel.parameters(model), training.seed());
        return new Workload(name, text, config, vocabulary, batches, weights);
    }

    /** Every symbol once, then the lower ones more often than the higher ones; always the same. */
    private static Corpus syntheticText(int symbols, int length) {
        Random random = new Random(1);
        int[] codePoints = new int[length];
        for (int i = 0; i < length; i++) {
            int symbol = i < symbols ? i : Math.min(random.nextInt(symbols), random.nextInt(symbols));
            codePoints[i] = ' ' + symbol;
        }
        return new Corpus("a made-up text", codePoints);
    }

    /** Where training starts. */
    Checkpoint start() {
        return Checkpoint.start(config.model(), config.training(), weights);
    }
}
